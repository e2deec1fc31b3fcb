"""What the store holds of the runs of stages, in the form in which `reported` says what they said."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from clintune.sealing.hashing import sums
from clintune.tracking.reported import WRITTEN_ANEW
from clintune.tracking.run import SEALED
from clintune.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Stored:
    """A run in the store, and the run of the execution that it belongs to. `deleted`: put into the bin."""

    run: "Run"
    parent: "Run | None"

    @property
    def id(self) -> str:
        """MLflow's name for it."""
        return str(self.run.info.run_id)

    @property
    def parent_id(self) -> str | None:
        """MLflow's name for the run of the execution."""
        return None if self.parent is None else str(self.parent.info.run_id)

    @property
    def sealed(self) -> str:
        """The line of the ledger that it names, or nothing."""
        return str(self.run.data.tags.get(SEALED, ""))

    @property
    def deleted(self) -> bool:
        """Whether it lies in the bin, from which `mlflow gc` takes it away for good."""
        return bool(self.run.info.lifecycle_stage == "deleted")


def stored_runs(store: Store) -> dict[str, Stored]:
    """The runs of stages by the name that they had in the spool, those in the bin too."""
    runs = {run.info.run_id: run for run in _all_runs(store)}
    return {
        run.data.tags["clintune.run"]: Stored(run, runs.get(run.data.tags.get("mlflow.parentRunId")))
        for run in runs.values()
        if "clintune.run" in run.data.tags
    }


def _all_runs(store: Store) -> "Iterator[Run]":
    from mlflow.entities import ViewType

    experiments = [one.experiment_id for one in store.client.search_experiments(view_type=ViewType.ALL)]
    token = None
    while True:
        page = store.client.search_runs(
            experiments, "", run_view_type=ViewType.ALL, max_results=_AT_ONCE, page_token=token
        )
        yield from page
        token = page.token
        if not token:
            return


def content(store: Store, stored: Stored) -> dict[str, Any]:
    """Params, tags, metrics by step, datasets, SHA-256 of artifacts and models."""
    run = stored.run
    return {
        "params": dict(run.data.params),
        "tags": dict(run.data.tags),
        "metrics": {name: _history(store, stored.id, name) for name in run.data.metrics},
        "datasets": sorted(
            (
                one.dataset.name,
                one.dataset.digest,
                {tag.key: tag.value for tag in one.tags}["mlflow.data.context"],
            )
            for one in (run.inputs.dataset_inputs if run.inputs else [])
        ),
        "artifacts": _sums(run.info.artifact_uri),
        "models": {
            model.name: _without_description(_sums(model.artifact_location))
            for model in store.client.search_logged_models(
                [run.info.experiment_id], f"source_run_id = '{stored.id}'"
            )
        },
    }


def execution(store: Store, parent: "Run") -> dict[str, Any]:
    """The same of the run of an execution, as far as its stages vouch for it.

    `headline` is what MLflow shows, `last` the last point of each curve: they lie in two tables.
    """
    curves = {name: _history(store, str(parent.info.run_id), name) for name in parent.data.metrics}
    last = {
        name: max((step, at, value) for step, value, at in one)[-1] for name, one in curves.items() if one
    }
    return {
        "params": dict(parent.data.params),
        "tags": dict(parent.data.tags),
        "headline": dict(parent.data.metrics),
        "last": last,
        "artifacts": _sums(parent.info.artifact_uri),
    }


def _history(store: Store, run_id: str, name: str) -> list[tuple[int, float, int]]:
    return sorted(
        (one.step, one.value, one.timestamp) for one in store.client.get_metric_history(run_id, name)
    )


def _without_description(files: Mapping[str, str]) -> dict[str, str]:
    return {path: sha256 for path, sha256 in files.items() if path != WRITTEN_ANEW}


def _sums(uri: str) -> dict[str, str]:
    """SHA-256 by path of all artifacts below; those of a server are fetched for it."""
    address = urlparse(uri)
    if address.scheme in ("", "file"):
        return _sums_of(Path(url2pathname(address.path)))
    from mlflow.artifacts import download_artifacts

    with TemporaryDirectory() as folder:
        return _sums_of(Path(download_artifacts(artifact_uri=uri, dst_path=folder)))


def _sums_of(folder: Path) -> dict[str, str]:
    return {path: one["sha256"] for path, one in sums(folder, ["."]).items()}
