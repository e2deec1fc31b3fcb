"""What sealing adds to each stage, and how long verification takes, on the pipeline that was run here.

    dvc repro && python benchmarks/evidence.py

Does again what each stage of dvc.lock did to be sealed: hashes what it read, wrote and sent to MLflow, looks
through the installed packages, appends a line to a ledger of its own. Then times `clintune verify`,
and says how many bytes it had to hash. Medians of `--rounds`.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from commands import measured

from clintune import provenance
from clintune.evidence.verification.sealed import ledger_in
from clintune.lockfile import entry_sha256, read_lock
from clintune.sealing.hashing import sums
from clintune.sealing.ledger import Ledger

HERE = Path()
STATE = HERE / ".clintune"


def main() -> None:
    """Print a line per stage, and one for verification."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    records = {
        record["lock_entry_sha256"]: record for _, record in ledger_in(STATE / "ledger").of_kind("stage")
    }
    for stage, entry in read_lock(HERE / "dvc.lock").items():
        record = records.get(entry_sha256(entry))
        if record is None:
            parser.error(f"no record here says how {stage} of dvc.lock came about; dvc repro first")
        print(f"{stage:10} sealed in {median(rounds, lambda record=record: seal(record)):.2f} s")
    seconds = [measured(HERE, "clintune", "verify")[1].seconds for _ in range(rounds)]
    print(f"clintune verify: {hashed() / 1e6:,.0f} MB in {statistics.median(seconds):.2f} s")


def median(rounds: int, work: Callable[[], None]) -> float:
    """Seconds."""
    found = []
    for _ in range(rounds):
        began = time.monotonic()
        work()
        found.append(time.monotonic() - began)
    return statistics.median(found)


def seal(record: dict[str, Any]) -> None:
    """What a stage does at its end. Its model in MLflow has the size of its bundle."""
    models = len(record["reported"]["models"])
    for paths in (record["inputs"], record["outputs"], *[record["outputs"]] * models):
        sums(HERE, paths)
    provenance.distributions()
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        Ledger(Path(folder)).append("stage", record["run"], record, at=0)


def hashed() -> int:
    """Bytes of the outputs, of all that sealed runs left in the cache, and of the artifacts in the store."""
    places = (HERE / "data", HERE / ".dvc/cache/files", STATE / "mlflow/artifacts")
    return sum(file.stat().st_size for place in places for file in place.rglob("*") if file.is_file())


if __name__ == "__main__":
    main()
