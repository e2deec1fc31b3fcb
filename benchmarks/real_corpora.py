"""Strict F1 of a recipe on the test split of its corpus, over several seeds, and the time that training took.

    python benchmarks/real_corpora.py ncbi-disease --corpus FOLDER --seeds 17 18 19

Runs real `dvc repro evaluate` in a clone of HEAD, once per seed, and prints one line of JSON per
seed, then mean ± standard deviation (n - 1) in points. Nothing else should run on the machine meanwhile.
`--set train.epochs=5` tries another setting; compare settings by `validation`, never by `test`.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from commands import run
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run every seed; report as each one ends."""
    arguments = parse()
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
        clone = Path(folder, "clone")
        run(clone.parent, "git", "clone", "-q", str(ROOT), str(clone))
        run(clone, "clintune", "use", arguments.recipe, "--corpus", str(arguments.corpus.resolve()))
        runs = []
        for seed in arguments.seeds:
            runs.append(measure(clone, {"seed": str(seed), **dict(arguments.set)}))
            print(json.dumps(runs[-1]), flush=True)
    for name in runs[0]["test"]:
        values = [one["test"][name] for one in runs]
        spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
        print(f"{arguments.recipe} {name}: {statistics.mean(values):.2f}{spread} ({len(values)} seeds)")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe")
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[17, 18, 19])
    parser.add_argument(
        "--set", type=lambda text: text.split("=", 1), nargs="*", default=[], metavar="KEY=VALUE"
    )
    parser.add_argument("--scratch", type=Path, help="where to work; the system's temporary folder otherwise")
    return parser.parse_args()


def measure(clone: Path, changes: Mapping[str, str]) -> dict[str, Any]:
    """One run: strict F1 in points on test, the best on validation, seconds of stage train."""
    set_params(clone / "params.yaml", changes)
    run(clone, "dvc", "repro", "tokenize")
    began = time.monotonic()
    run(clone, "dvc", "repro", "train")
    seconds = time.monotonic() - began
    run(clone, "dvc", "repro", "evaluate")
    metrics = json.loads((clone / "data/evaluation/metrics.json").read_text(encoding="utf-8"))
    rows = (clone / "data/checkpoint/validation.csv").read_text(encoding="utf-8").splitlines()
    curve = [float(row.split(",")[rows[0].split(",").index("f1")]) for row in rows[1:]]
    scores = {"all": metrics["strict"], **metrics["label"]}
    return {
        **changes,
        "train_seconds": round(seconds),
        "validation": [round(100 * value, 2) for value in curve],
        "test": {name: round(100 * score["f1"], 2) for name, score in scores.items()},
    }


def set_params(path: Path, changes: Mapping[str, str]) -> None:
    """Change keys of params.yaml, each named by its path with dots."""
    yaml = YAML()
    tree = yaml.load(path)
    for key, text in changes.items():
        *sections, leaf = key.split(".")
        section = tree
        for name in sections:
            section = section[name]
        section[leaf] = YAML(typ="safe").load(text)
    yaml.dump(tree, path)


if __name__ == "__main__":
    main()
