"""pretrain: teach small encoders of the project's own on the texts of train; none in the default."""

from collections.abc import Mapping
from pathlib import Path

from clintune.params import Params
from clintune.pretraining.listing import NOBODY, write_none
from clintune.stage import run_stage
from clintune.tracking import Run


def work(params: Params, run: Run, paths: Mapping[str, Path]) -> None:
    """Fill data/pretrained."""
    if not params.pretrain:
        write_none(paths["pretrained"])
        run.describe(NOBODY)
        return
    from clintune.devices import prepare  # torch reads the settings of numerics when imported
    from clintune.pretraining.teaching import describe, pretrain

    compute = {
        name: prepare(params.numerics, section.train.precision) for name, section in params.pretrain.items()
    }
    for name, one in compute.items():
        run.facts({f"{name}.{key}": value for key, value in one.facts().items()})
    found = pretrain(params, compute, **paths, report=run.metrics, origin=run.origin)
    run.metrics({f"{name}/best/score": one.score for name, one in found.items()})
    run.describe(describe(found))


if __name__ == "__main__":
    run_stage("pretrain", work, paths=("examples", "pretrained"), sections=("seed", "numerics", "pretrain"))
