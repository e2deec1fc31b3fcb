"""train: fine-tune the base model on the windows; keep the weights that are best on validation."""

from collections.abc import Mapping
from pathlib import Path

from clintune.params import Params
from clintune.stage import run_stage
from clintune.tracking import Run


def work(params: Params, run: Run, paths: Mapping[str, Path]) -> None:
    from clintune.devices import prepare  # torch reads the settings of numerics when imported
    from clintune.training.fine_tuning import describe, train

    compute = prepare(params.numerics, params.train.precision)
    run.facts(compute.facts())
    places = dict(paths)
    params = params.located(places.pop("pretrained"))
    trained = train(params, compute, **places, report=run.metrics, origin=run.origin)
    run.metrics({"best/score": trained.best.score, "best/step": trained.best.step})
    run.facts({"training.verdict": trained.verdict.word})
    run.describe(describe(params, trained))


if __name__ == "__main__":
    run_stage(
        "train",
        work,
        paths=("windows", "examples", "pretrained", "checkpoint"),
        sections=("seed", "numerics", "model", "train"),
    )
