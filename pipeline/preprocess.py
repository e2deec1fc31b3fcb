"""preprocess: check every record, set broken ones aside, split the others by group."""

from collections.abc import Mapping
from pathlib import Path

from clintune.params import Params
from clintune.preprocessing import describe, metrics, preprocess
from clintune.stage import run_stage
from clintune.tasks.intakes import INTAKES
from clintune.tracking import Run


def work(params: Params, run: Run, paths: Mapping[str, Path]) -> None:
    """Make data/examples from data/raw."""
    intake = INTAKES[params.task]
    summary = preprocess(
        params.preprocess, seed=params.seed, intake=intake, raw=paths["raw"], examples=paths["examples"]
    )
    run.metrics(metrics(summary))
    run.describe(describe(summary))


if __name__ == "__main__":
    run_stage("preprocess", work, paths=("raw", "examples"), sections=("seed", "task", "preprocess"))
