"""evaluate: what the model says of the test split, as scores with intervals, plots and a report."""

from collections.abc import Mapping
from pathlib import Path

from clintune.evaluation import JUDGES, Outputs, evaluate, flat
from clintune.params import Params
from clintune.stage import run_stage
from clintune.tracking import Run


def work(params: Params, run: Run, paths: Mapping[str, Path]) -> None:
    from clintune import devices, inference  # torch reads the settings of numerics when imported

    compute = devices.prepare(params.numerics)
    run.facts(compute.facts())
    checkpoint, windows, examples, folder = paths.values()
    test, size = windows / "test.parquet", params.evaluate.batch_tokens
    said = inference.predictions(checkpoint, test, device=compute.device, batch_tokens=size)
    outputs = Outputs.read(checkpoint / "outputs.json")
    found = evaluate(
        params.evaluate, seed=params.seed, outputs=outputs, examples=examples, windows=windows,
        predictions=said, folder=folder,
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
