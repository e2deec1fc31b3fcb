"""What a test sees of an MLflow store."""

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from tests.project import Project

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


def client_of(project: Project, uri: str | None = None) -> "MlflowClient":
    """A client of the project's own store, or of another."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, at its import
        from mlflow import MlflowClient

        return MlflowClient(uri or f"sqlite:///{project.root}/.clintune/mlflow/mlflow.db")


def runs_of(client: "MlflowClient", filter_string: str = "") -> "list[Run]":
    """The runs of the experiment, oldest first."""
    experiment = client.get_experiment_by_name("clintune")
    return list(client.search_runs([experiment.experiment_id], filter_string, order_by=["start_time ASC"]))


def stage_runs(client: "MlflowClient", stage: str | None = None) -> "list[Run]":
    """The runs of stages, oldest first."""
    runs = runs_of(client, "tags.`dvc.kind` = 'stage'")
    return [run for run in runs if stage in (None, run.data.tags["dvc.stage"])]


def files_of(client: "MlflowClient", run_id: str, folder: str | None = None) -> set[str]:
    """Every artifact of a run, by path."""
    found: set[str] = set()
    for item in client.list_artifacts(run_id, folder):
        found |= files_of(client, run_id, item.path) if item.is_dir else {item.path}
    return found


def spooled(project: Project) -> list[Path]:
    """The runs that wait; what is being made or removed is hidden."""
    return sorted((project.root / ".clintune" / "spool").glob("[!.]*"))
