"""ingest: bring the records in byte for byte, with a manifest of sums."""

from collections.abc import Mapping
from pathlib import Path

from clintune.ingesting import describe, ingest, metrics
from clintune.params import Params
from clintune.stage import run_stage
from clintune.tracking import Run


def work(params: Params, run: Run, paths: Mapping[str, Path]) -> None:
    """Fill data/raw."""
    sums = ingest(params.ingest, seed=params.seed, raw=paths["raw"])
    run.metrics(metrics(sums))
    run.describe(describe(params.ingest, sums))


if __name__ == "__main__":
    run_stage("ingest", work, paths=("raw",), sections=("seed", "ingest"))
