"""What the store holds of stages and replays, in the form in which `reported` says what they said."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from clintune.tracking.artifacts import artifact_sums, model_sums
from clintune.tracking.run import LEDGER, SEALED
from clintune.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

_AT_ONCE = 500
OVER = ("FINISHED", "SCHEDULED")
"""How a run ended well, or has a state that no run of ours has."""
_CONTEXT = "mlflow.data.context"
"""The tag that says as what a run read a data set."""
_VERSIONS = "mlflow.modelVersions"
"""The tag in which a server writes down of a model as what it was registered."""
NAME, ENTRY, _MADE, _REPLAYED = "clintune.run", "dvc.lock_entry_sha256", "dvc.out.", "replay."
"""Tags: the run's name in the spool, the entry of dvc.lock that it made, what each output is called; what a
replay found.
"""
REPLAY, EXECUTION, STAGE = "replay", "pipeline", "stage"
"""What the tag `dvc.kind` says of a run that shows a certificate, of one that has others, of a stage's."""


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
    def ledger(self) -> str:
        """The ledger in which it is sealed, or will be; or nothing."""
        return str(self.run.data.tags.get(LEDGER, ""))

    @property
    def claims(self) -> bool:
        """Whether it says that it made what dvc.lock names, belongs to a run of ours, or shows a replay."""
        tags = self.run.data.tags
        made = any(key in (ENTRY, SEALED) or key.startswith((_MADE, _REPLAYED)) for key in tags)
        belongs = self.parent is not None and _kind(self.parent) in (EXECUTION, STAGE, REPLAY)
        return made or belongs or _kind(self.run) == REPLAY

    @property
    def deleted(self) -> bool:
        """Whether it lies in the bin, from which `mlflow gc` takes it away for good."""
        return bool(self.run.info.lifecycle_stage == "deleted")


@dataclass(frozen=True, slots=True)
class Registered:
    """A version in the registry of models, and MLflow's name for the run that it says made it.

    `source` is the address of the model that it is of, `link` one that MLflow shows in place of the run,
    `status` what MLflow shows beside it: READY.
    """

    name: str
    number: str
    run_id: str
    tags: Mapping[str, str]
    source: str
    link: str
    description: str
    status: str


@dataclass(frozen=True, slots=True)
class Logged:
    """A model in the store: MLflow's names for it and for the run that it says made it, and what it says."""

    name: str
    id: str
    run_id: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    status: str
    type: str


def stored_runs(store: Store) -> dict[str, Stored]:
    """The runs of stages and replays by the name that they had in the spool, those in the bin too.

    A second run of that name, one without any that says what those say, and that of an execution which has
    finished or shows scores without a stage, are named as MLflow does.
    """
    runs = {run.info.run_id: run for run in _all_runs(store)}
    found: dict[str, Stored] = {}
    for run_id, run in sorted(runs.items(), key=lambda item: _began(item[1])):
        name, one = run.data.tags.get(NAME), Stored(run, runs.get(run.data.tags.get("mlflow.parentRunId")))
        if name is not None or one.claims or _kind(run) == STAGE:
            found[run_id if name is None or name in found else name] = one
    parents = {one.parent_id for one in found.values()}
    for run_id, run in runs.items():
        shows = run.info.status in OVER or run.data.metrics
        if _kind(run) == EXECUTION and shows and run_id not in parents:
            found[run_id] = Stored(run, None)
    return found


def _kind(run: "Run") -> str:
    return str(run.data.tags.get("dvc.kind", ""))


def _began(run: "Run") -> float:
    return float(_number(run.info.start_time, 0))


def by_execution(stored: Mapping[str, Stored]) -> Iterator[tuple["Run", dict[str, Stored]]]:
    """Each run of an execution with those of its stages, by their names."""
    parents = {one.parent_id: one.parent for one in stored.values() if one.parent is not None}
    for name, parent in parents.items():
        yield parent, {key: one for key, one in stored.items() if one.parent_id == name}


def _all_runs(store: Store) -> "Iterator[Run]":
    from mlflow.entities import ViewType

    return _pages(
        partial(
            store.client.search_runs, _experiments(store),
            run_view_type=ViewType.ALL, max_results=_AT_ONCE,
        )
    )  # fmt: skip


def _pages(search: Callable[..., Any]) -> Iterator[Any]:
    """All that a search finds, which answers a page at a time."""
    token = None
    while True:
        page = search(page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _experiments(store: Store) -> list[str]:
    from mlflow.entities import ViewType

    return [one.experiment_id for one in store.client.search_experiments(view_type=ViewType.ALL)]


def content(store: Store, stored: Stored) -> dict[str, Any]:
    """Params, tags, metrics by step, datasets, SHA-256 of artifacts and models."""
    run = stored.run
    return {
        "params": dict(run.data.params),
        "tags": dict(run.data.tags),
        "metrics": {name: _history(store, stored.id, name) for name in run.data.metrics},
        "datasets": sorted(
            (one.dataset.name, one.dataset.digest, _role({tag.key: tag.value for tag in one.tags}))
            for one in (run.inputs.dataset_inputs if run.inputs else [])
        ),
        "artifacts": artifact_sums(run.info.artifact_uri),
        "models": dict(_models(store, stored)),
    }


def _role(tags: Mapping[str, str]) -> str:
    """What a data set was read as; where more is said of it, all of that."""
    return tags.get(_CONTEXT, "") if tags.keys() <= {_CONTEXT} else json.dumps(tags, sort_keys=True)


def _models(store: Store, stored: Stored) -> Iterator[tuple[str, dict[str, str]]]:
    """The files of each model that the run logged, by name, and of each version that is registered of it.

    A version is `NAME, version 3`, a second model of one name `NAME, again ID`, one that it read `ID, read`.
    """
    registered_here = list(_pages(partial(store.client.search_model_versions, f"run_id = '{stored.id}'")))
    known = {(str(version.name), str(version.version)) for version in registered_here}
    sums, names = cache(partial(model_sums, run=stored.id, versions=known)), set[str]()
    made = f"source_run_id = '{stored.id}'"
    for model in _pages(partial(store.client.search_logged_models, _experiments(store), made)):
        again = f", again {model.model_id}" if model.name in names else ""
        yield f"{model.name}{again}", sums(model.artifact_location)
        names.add(model.name)
    for version in registered_here:
        served = store.client.get_model_version_download_uri(version.name, version.version)
        yield f"{version.name}, version {version.version}", sums(served)
    inputs = store.client.get_run(stored.id).inputs  # a search leaves out the models that a run read
    for read in inputs.model_inputs if inputs else ():
        yield f"{read.model_id}, read", {"input": "a model"}


def registered(store: Store) -> list[Registered]:
    """Every version of every model."""
    return [
        Registered(
            one.name,
            str(one.version),
            one.run_id or "",
            dict(one.tags),
            one.source,
            one.run_link or "",
            one.description or "",
            str(one.status),
        )
        for one in _pages(store.client.search_model_versions)
    ]


def logged(store: Store) -> list[Logged]:
    """Every model that a run logged, or says it did."""
    return [
        Logged(
            one.name, one.model_id, one.source_run_id or "",
            {key: text for key, text in one.tags.items() if key != _VERSIONS},
            dict(one.params), {metric.key: metric.value for metric in one.metrics or []},
            str(one.status), one.model_type or "",
        )
        for one in _pages(partial(store.client.search_logged_models, _experiments(store)))
    ]  # fmt: skip


def execution(store: Store, parent: "Run") -> dict[str, Any]:
    """The same of the run of an execution, as far as its stages vouch for it.

    `headline` is what MLflow shows, `last` the last point of each curve: they lie in two tables. Of a curve
    that goes through another value than what is shown, it is that: a stage gives one value. `more` is what
    hangs on the run beside: no stage gives it data sets or models.
    """
    shown = parent.data.metrics
    curves = {name: _history(store, str(parent.info.run_id), name) for name in shown}
    last = {
        name: max((value != shown[name], step, at, value) for step, value, at in one)[-1]
        for name, one in curves.items() if one
    }  # fmt: skip
    return {
        "params": dict(parent.data.params),
        "tags": dict(parent.data.tags),
        "headline": dict(parent.data.metrics),
        "last": last,
        "artifacts": artifact_sums(parent.info.artifact_uri),
        "more": [] if _kind(parent) == STAGE else list(_attached(store, str(parent.info.run_id))),
    }


def _attached(store: Store, run_id: str) -> Iterator[str]:
    """Data sets and models that a run shows."""
    run = store.client.get_run(run_id)
    if run.inputs:
        yield from (f"dataset {one.dataset.name}" for one in run.inputs.dataset_inputs)
        yield from (f"model {one.model_id}, read" for one in run.inputs.model_inputs)
    if run.outputs:
        yield from (f"model {one.model_id}" for one in run.outputs.model_outputs)


def _history(store: Store, run_id: str, name: str) -> list[tuple[int, float, int]]:
    """SQLite takes a text for a number: then it is one that no stage gives."""
    points = ((one.step, one.value, one.timestamp) for one in store.client.get_metric_history(run_id, name))
    return sorted(
        (_number(step, -1), _number(value, math.nan), _number(at, -1)) for step, value, at in points
    )


def _number(value: Any, other: float) -> Any:
    return value if isinstance(value, int | float) else other
