"""From a journal to the store. Everything may be sent twice: nothing is then there twice."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from clintune.tracking import datasets, limits, models, pipeline_run
from clintune.tracking.home import without_password
from clintune.tracking.journal import (
    Artifact,
    Closed,
    Dataset,
    Headline,
    Metrics,
    Model,
    Opened,
    Params,
    Record,
    Tags,
    is_closed,
    read,
)  # fmt: skip
from clintune.tracking.store import Store

_RECORDS_AT_ONCE = 500
_NOT_FOR_THIS_RUN_ALONE = {401, 403, 408, 429}


@dataclass(frozen=True, slots=True)
class Position:
    """How far a journal has been delivered: to which store, as which run, up to which byte."""

    uri: str
    run_id: str
    offset: int

    @classmethod
    def of(cls, folder: Path, uri: str) -> "Position":
        """Where to go on; the beginning where nothing was sent to this store."""
        shown = without_password(uri)
        try:
            position = cls(**json.loads((folder / "position").read_text()))
        except (FileNotFoundError, ValueError):  # a power cut may have left it empty
            return cls(shown, "", 0)
        return position if position.uri == shown else cls(shown, "", 0)

    def keep(self, folder: Path) -> None:
        """Write down, whole or not at all."""
        draft = folder / "position.draft"
        draft.write_text(json.dumps({"uri": self.uri, "run_id": self.run_id, "offset": self.offset}))
        draft.replace(folder / "position")


def deliver(store: Store, folder: Path, got_on: Callable[[], None]) -> bool:
    """Send what the journal holds and the store lacks; says whether the run is over and whole there.

    `got_on` is called after each step. Raises what MLflow raises.
    """
    position = Position.of(folder, store.uri)
    for records, offset in _steps(folder, position.offset):
        run_id = _send(store, position.run_id, records, folder)
        position = Position(position.uri, run_id, offset)
        position.keep(folder)
        got_on()
    return position.offset == (folder / "journal").stat().st_size and is_closed(folder)


def _steps(folder: Path, offset: int) -> Iterator[tuple[list[Record], int]]:
    """Records of one kind that follow each other, and the offset after them."""
    for _, group in groupby(read(folder, offset), key=lambda pair: type(pair[0])):
        while some := list(islice(group, _RECORDS_AT_ONCE)):
            yield [record for record, _ in some], some[-1][1]


def _send(store: Store, run_id: str, records: list[Record], folder: Path) -> str:
    """Send some records of one kind; returns the id of their run."""
    if isinstance(records[0], Params | Tags | Metrics):
        _send_values(store, run_id, records)
        return run_id
    for record in records:
        match record:
            case Opened():
                run_id = _open_run(store, record, folder)
            case Headline():
                pipeline_run.show(store, run_id, record)
            case Dataset():
                store.client.log_inputs(run_id, [_dataset(record)])
            case Artifact():
                store.client.log_artifact(run_id, str(folder / record.copy), record.folder or None)
            case Model():
                models.log_model(store, run_id, record, folder)
            case Closed():
                _close_run(store, run_id, record)
    return run_id


def _send_values(store: Store, run_id: str, records: list[Record]) -> None:
    """All of them in one call."""
    metrics: list[Metric] = []
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    for record in records:
        match record:
            case Params():
                params |= limits.params(record.values)
            case Tags():
                tags |= limits.tags(record.values)
            case Metrics():
                metrics += [
                    Metric(limits.name(key), value, record.at, record.step)
                    for key, value in record.values.items()
                ]
    store.client.log_batch(
        run_id, metrics, [Param(*pair) for pair in params.items()], [RunTag(*pair) for pair in tags.items()]
    )


def _open_run(store: Store, opened: Opened, folder: Path) -> str:
    tags = dict(opened.tags)
    if opened.pipeline is not None:
        tags["mlflow.parentRunId"] = pipeline_run.begin(store, opened.pipeline, folder)
    return find_run(store, opened.key) or create_run(store, opened.name, opened.start, tags)


def find_run(store: Store, key: str) -> str | None:
    """The run with this name in the spool: it may exist already, its id lost with the process."""
    found = store.client.search_runs([store.experiment_id], f"tags.`clintune.run` = '{key}'", max_results=1)
    return str(found[0].info.run_id) if found else None


def create_run(store: Store, name: str, start: int, tags: Mapping[str, str]) -> str:
    """A new run with its tags, in one call: there is no moment in which it cannot be found by them."""
    values = limits.tags(tags)
    run = store.client.create_run(store.experiment_id, start_time=start, tags=values, run_name=name)
    return str(run.info.run_id)


def _dataset(dataset: Dataset) -> DatasetInput:
    entity = datasets.entity(dataset.name, dataset.digest, dataset.profile)
    return DatasetInput(entity, [InputTag("mlflow.data.context", dataset.role)])


def _close_run(store: Store, run_id: str, closed: Closed) -> None:
    if closed.reason:
        store.client.set_tag(run_id, "clintune.reason", limits.tag(closed.reason))
    store.client.set_terminated(run_id, closed.status, closed.end)
    parent = store.client.get_run(run_id).data.tags.get("mlflow.parentRunId")
    if parent is not None:
        pipeline_run.settle(store, parent)


def is_rejection(error: Exception) -> bool:
    """Whether the store answers but does not take this run, or the run cannot be sent: others can."""
    if isinstance(error.__cause__ or error.__context__, UnicodeError):
        return True  # MLflow says 500, as of a server that fails
    if isinstance(error, MlflowException):
        status = error.get_http_status_code()  # type: ignore[no-untyped-call]
        return status < 500 and status not in _NOT_FOR_THIS_RUN_ALONE
    return not isinstance(error, OSError | SQLAlchemyError)
