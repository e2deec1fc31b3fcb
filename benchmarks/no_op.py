"""How long `dvc repro` takes with nothing to do, beside DVC's own time on an empty pipeline.

    python benchmarks/no_op.py [--rounds 5]

Runs the pipeline on a tiny model in a clone of HEAD, once, and a pipeline of five stages that only
touch a file, once. Then times `dvc repro` in both, in turns, and prints the medians in seconds.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from commands import run

ROOT = Path(__file__).resolve().parents[1]
TINY = (
    "numerics.threads=1", "model.weights_sha256=null", "ingest.synthetic.patients=24", "train.epochs=1",
    "model.scratch={layers: 1, hidden: 16, heads: 2, intermediate: 32}", "evaluate.resamples=10",
)  # fmt: skip
STAGES = ("one", "two", "three", "four", "five")


def main() -> None:
    """Make both pipelines, run each, time both with nothing to do."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        ours, empty = clintune(Path(folder, "clintune")), nothing(Path(folder, "empty"))
        times: dict[Path, list[float]] = {ours: [], empty: []}
        for _ in range(rounds):
            for project, seconds in times.items():
                seconds.append(timed(project))
    own, base = (statistics.median(seconds) for seconds in times.values())
    print(f"clintune {own:.2f} s, empty five-stage pipeline {base:.2f} s, difference {own - base:+.2f} s")


def clintune(root: Path) -> Path:
    """The repository after one `dvc repro` on a tiny model."""
    run(root.parent, "git", "clone", "-q", str(ROOT), str(root))
    (root / "dvc.lock").unlink(missing_ok=True)
    changes = [word for change in TINY for word in ("-S", change)]
    run(root, "dvc", "exp", "run", *changes)
    return root


def nothing(root: Path) -> Path:
    """Five stages, each of which reads one file and writes one."""
    root.mkdir()
    run(root, "git", "init", "-q")
    run(root, "dvc", "init", "-q")
    (root / "zero").touch()
    for before, stage in zip(("zero", *STAGES), STAGES, strict=False):
        run(root, "dvc", "stage", "add", "-q", "-n", stage, "-d", before, "-o", stage, f"touch {stage}")
    run(root, "dvc", "repro")
    return root


def timed(project: Path) -> float:
    """Seconds of one `dvc repro` that must find nothing to do."""
    began = time.monotonic()
    said = run(project, "dvc", "repro")
    seconds = time.monotonic() - began
    if "Running stage" in said:
        sys.exit(f"a stage ran again in {project.name}:\n{said}")
    return seconds


if __name__ == "__main__":
    main()
