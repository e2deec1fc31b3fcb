"""evaluate: what the model says of the test split, as scores with intervals, plots and a report."""

from collections.abc import Mapping
from pathlib import Path

from clintune.evaluation import describe, evaluate, flat, metrics
from clintune.files import read_json
from clintune.params import Params
from clintune.stage import run_stage
from clintune.tracking import Run


def work(params: Params, run: Run, paths: Mapping[str, Path]) -> None:
    """Make data/evaluation."""
    from clintune.inference import predictions  # torch reads the settings of numerics when imported

    section, windows, examples = params.evaluate, paths["windows"], paths["examples"]
    said = predictions(
        paths["checkpoint"],
        windows / "test.parquet",
        numerics=params.numerics,
        batch_tokens=section.batch_tokens,
    )
    evaluation = evaluate(
        section,
        seed=params.seed,
        train=examples / "train.parquet",
        test=examples / "test.parquet",
        predictions=said,
        inexpressible=read_json(windows / "summary.json")["test"]["inexpressible"],
        folder=paths["evaluation"],
    )
    run.metrics(flat(metrics(evaluation)))
    run.describe(describe(evaluation))
    run.artifact(paths["evaluation"] / "report.html")
    run.artifact(paths["evaluation"] / "plots")


if __name__ == "__main__":
    run_stage(
        "evaluate",
        work,
        paths=("checkpoint", "windows", "examples", "evaluation"),
        sections=("seed", "numerics", "evaluate"),
    )
