"""evaluate: what the model says of the test split, as scores with intervals, plots and a report."""

from collections.abc import Mapping
from pathlib import Path

from clintune.checkpoints import Outputs
from clintune.evaluation import JUDGES, evaluate, flat
from clintune.params import Params
from clintune.stage import run_stage
from clintune.tracking import Run


def work(params: Params, run: Run, paths: Mapping[str, Path]) -> None:
    """Make data/evaluation."""
    from clintune.inference import predictions  # torch reads the settings of numerics when imported

    windows, size = paths["windows"] / "test.parquet", params.evaluate.batch_tokens
    said = predictions(paths["checkpoint"], windows, numerics=params.numerics, batch_tokens=size)
    folder, outputs = paths["evaluation"], Outputs.read(paths["checkpoint"] / "outputs.json")
    found = evaluate(
        params.evaluate, seed=params.seed, outputs=outputs, examples=paths["examples"],
        windows=paths["windows"], predictions=said, folder=folder,
    )  # fmt: skip
    judge = JUDGES[outputs.task]
    run.metrics(flat(judge.metrics(found)))
    run.headline(judge.headline(found))
    run.describe(judge.describe(found))
    run.artifact(folder / "report.html")
    run.artifact(folder / "plots")


if __name__ == "__main__":
    names = ("checkpoint", "windows", "examples", "evaluation")
    run_stage("evaluate", work, paths=names, sections=("seed", "numerics", "evaluate"))
