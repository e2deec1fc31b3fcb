"""export: the bundle to deploy; it predicts what the evaluation saw, or there is none."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from clintune.params import Params
from clintune.stage import run_stage
from clintune.tracking import Run


def work(params: Params, run: Run, paths: Mapping[str, Path]) -> None:
    """Make data/bundle, and an MLflow model around it."""
    # torch reads the settings of numerics when imported
    from clintune.exporting import describe, export, metrics, save_mlflow_model

    comparison = export(params, **paths)
    run.metrics(metrics(comparison))
    words = describe(params.export, comparison, paths["evaluation"])
    run.describe(words)
    run.artifact(paths["bundle"] / "MODEL_CARD.md")
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "model"
        save_mlflow_model(paths["bundle"], saved)
        run.model(saved, params.export.name, alias="newest", description=words)


if __name__ == "__main__":
    run_stage(
        "export",
        work,
        paths=("checkpoint", "examples", "evaluation", "bundle"),
        sections=("numerics", "ingest.source", "evaluate.level", "export"),
    )
