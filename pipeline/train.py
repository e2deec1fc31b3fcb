"""train: fine-tune the base model on the windows; keep the weights that are best on validation."""

from collections.abc import Mapping
from pathlib import Path

from clintune.params import Params
from clintune.stage import run_stage
from clintune.tracking import Run


def work(params: Params, run: Run, paths: Mapping[str, Path]) -> None:
    from clintune.training import describe, train  # torch reads the settings of numerics when imported

    best = train(
        params,
        windows=paths["windows"],
        examples=paths["examples"],
        checkpoint=paths["checkpoint"],
        report=run.metrics,
    )
    run.metrics({"best/score": best.score, "best/step": best.step})
    run.describe(describe(params, best))


if __name__ == "__main__":
    run_stage(
        "train",
        work,
        paths=("windows", "examples", "checkpoint"),
        sections=("seed", "numerics", "model", "train"),
    )
