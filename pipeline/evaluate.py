"""evaluate: what the model says of the test split, as scores with intervals, plots and a report."""

from collections.abc import Mapping
from pathlib import Path

from clintune.evaluation import describe, evaluate, flat, headline, metrics
from clintune.params import Params
from clintune.stage import run_stage
from clintune.tracking import Run


def work(params: Params, run: Run, paths: Mapping[str, Path]) -> None:
    """Make data/evaluation."""
    from clintune.devices import prepare  # torch reads the settings of numerics when imported
    from clintune.inference import predictions

    compute = prepare(params.numerics)
    run.facts(compute.facts())
    windows, size = paths["windows"] / "test.parquet", params.evaluate.batch_tokens
    said = predictions(paths["checkpoint"], windows, device=compute.device, batch_tokens=size)
    folder = paths["evaluation"]
    evaluation = evaluate(
        params.evaluate, seed=params.seed, examples=paths["examples"], windows=paths["windows"],
        predictions=said, folder=folder,
    )  # fmt: skip
    run.metrics(flat(metrics(evaluation)))
    run.headline(headline(evaluation))
    run.describe(describe(evaluation))
    run.artifact(folder / "report.html")
    run.artifact(folder / "plots")


if __name__ == "__main__":
    names = ("checkpoint", "windows", "examples", "evaluation")
    run_stage("evaluate", work, paths=names, sections=("seed", "numerics", "evaluate"))
