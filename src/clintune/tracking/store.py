"""The MLflow store: where it is, and how to open it without harm to it or to the clock."""

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clintune.errors import TrackingError
from clintune.tracking.home import Home, without_password
from clintune.tracking.moving import bring_along, is_sent_to
from clintune.tracking.probe import silence
from clintune.tracking.trail.laying import lay
from clintune.tracking.trail.opening import FORBIDDEN, code_of, is_kept

if TYPE_CHECKING:
    from mlflow import MlflowClient

_CLIENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "6",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # the spool is the retry
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


_VIEW = "clintune"
_VIEW_TAG = f"mlflow.sharedViewState.{_VIEW}"
_COLUMNS = (
    "attributes.`Created`", "attributes.`Duration`", "metrics.`strict/f1`", "metrics.`strict/precision`",
    "metrics.`strict/recall`", "tags.`git.commit`", "tags.`git.dirty`", "tags.`dvc.cmd`",
)  # fmt: skip


def experiment_name() -> str:
    """The experiment that all runs go to."""
    return os.environ.get("CLINTUNE_EXPERIMENT") or "clintune"


@dataclass(frozen=True, slots=True)
class Store:
    """An open store and the experiment in it."""

    uri: str
    client: "MlflowClient"
    experiment_id: str

    def url(self, server: str) -> str:
        """The page of the experiment on an MLflow server: the table of runs, with scores and commits.

        Without `workflowType` a fresh browser opens the view for language-model traces.
        """
        page = f"{server.rstrip('/')}/#/experiments/{self.experiment_id}/runs"
        return f"{page}?workflowType=machine_learning&viewStateShareKey={_VIEW}"


def open_store(home: Home, *, within: float | None = None, sender: bool = False) -> Store:
    """Connect, and make schema and experiment where they are missing. `sender`: for the one that writes.

    Raises TrackingError where the store does not answer: a server `within` so many seconds, which are
    otherwise those of each request. That is asked first, for the import of MLflow takes seconds.
    """
    os.environ.update({name: value for name, value in _CLIENT.items() if name not in os.environ})
    seconds = float(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]) if within is None else within
    if not home.is_local and (why := silence(home.uri, within=seconds)) is not None:
        raise _no_answer(home.uri, why)
    # Artifact addresses are resolved against the global URI.
    os.environ["MLFLOW_TRACKING_URI"] = home.uri
    from mlflow import MlflowClient

    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # it logs what it raises
    with answering(home.uri):
        if home.is_server:
            client = MlflowClient(tracking_uri=home.uri)
            return Store(home.uri, client, _experiment(client, artifacts=None))
        with _one_at_a_time(home):
            home.database.parent.mkdir(parents=True, exist_ok=True)
            client = MlflowClient(tracking_uri=home.uri)
            store = Store(home.uri, client, _experiment(client, artifacts=home.artifacts.as_uri()))
            if is_kept(home):
                lay(home)
            if home.sqlite == home.database and (sender or not is_sent_to(home)):
                bring_along(home)
            return store


@contextmanager
def answering(uri: str) -> Iterator[None]:
    """Raise TrackingError for whatever shows that the store does not answer in this block."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        if code_of(error) == FORBIDDEN:
            said = str(getattr(error, "orig", error)).splitlines()[0]
            step = "ask the owner of the database for the right"
            raise TrackingError(without_password(uri), said, step) from error
        if uri.startswith("sqlite:"):
            raise _unusable(uri, error) from error
        raise _no_answer(uri, getattr(error, "error_code", type(error).__name__)) from error


def _no_answer(uri: str, code: str) -> TrackingError:
    problem = f"the tracking store does not answer ({code})"
    next_step = "start it, or unset MLFLOW_TRACKING_URI for the local store"
    return TrackingError(without_password(uri), problem, next_step)


def _unusable(uri: str, error: Exception) -> TrackingError:
    """A file always answers. What SQLite says of it may quote a value, which stays out."""
    cause = error.__cause__ or error
    said = str(getattr(cause, "orig", cause)).splitlines()[0].partition(" with text")[0]
    step = "end what else holds the file, or put back a copy of it that is whole"
    return TrackingError(uri, f"the database cannot be used ({said})", step)


def _experiment(client: "MlflowClient", *, artifacts: str | None) -> str:
    name = experiment_name()
    tags = {
        "mlflow.experimentKind": "custom_model_development",
        _VIEW_TAG: json.dumps({"selectedColumns": _COLUMNS, "runsPinned": [], "runsHidden": []}),
    }
    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage == "deleted":
        step = f"mlflow experiments restore -x {found.experiment_id}, or name another in CLINTUNE_EXPERIMENT"
        raise TrackingError(f"experiment {name}", "it was deleted in the tracking store", step)
    if found is not None:
        if found.tags.get(_VIEW_TAG) != tags[_VIEW_TAG]:
            client.set_experiment_tag(found.experiment_id, _VIEW_TAG, tags[_VIEW_TAG])
        return str(found.experiment_id)
    return str(client.create_experiment(name, artifact_location=artifacts, tags=tags))


@contextmanager
def _one_at_a_time(home: Home) -> Iterator[None]:
    """Even the constructor of a client migrates a database: two at first use leave SQLite broken for good."""
    home.root.mkdir(parents=True, exist_ok=True)
    with home.schema_lock.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
