"""evaluate: what the model says of the test split, as scores with intervals, plots and a report."""

from collections.abc import Mapping
from pathlib import Path

from clintune.checkpoints import Outputs
from clintune.evaluation import JUDGES, evaluate, flat
from clintune.params import Params
from clintune.stage import run_stage
from clintune.tracking import Run


def work(params: Params, run: Run, paths: Mapping[str, Path]) -> None:
    from clintune import devices, inference  # torch reads the settings of numerics when imported

    compute = devices.prepare(params.numerics)
    run.facts(compute.facts())
    checkpoint, windows, examples, folder = paths.values()
    outputs, size = Outputs.read(checkpoint / "outputs.json"), params.evaluate.batch_tokens
    said = inference.predictions(
        checkpoint, windows / "test.parquet", device=compute.device, batch_tokens=size
    )
    found = evaluate(
        params.evaluate, seed=params.seed, outputs=outputs, examples=examples, windows=windows,
        predictions=said, folder=folder,
    )  # fmt: skip
    judge = JUDGES[outputs.task]
    run.metrics(flat(judge.metrics(found)))
    run.headline(judge.headline(found))
    run.describe(judge.describe(found))
    for shown in ("report.html", "plots"):
        run.artifact(folder / shown)


if __name__ == "__main__":
    names = ("checkpoint", "windows", "examples", "evaluation")
    run_stage("evaluate", work, paths=names, sections=("seed", "numerics", "evaluate"))
