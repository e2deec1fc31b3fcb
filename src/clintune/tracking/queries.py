"""From dvc.lock to the runs that made what it names, and back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from clintune.lockfile import LockEntry, entry_sha256, inputs_sha256
from clintune.tracking.home import Home
from clintune.tracking.journal import Tags, journals, read
from clintune.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

_ENTRY = "dvc/lock_entry.json"


@dataclass(frozen=True, slots=True)
class Producers:
    """Who made one entry of dvc.lock.

    `runs` made exactly this, oldest first; none: nobody of record did. `others` made something else from
    the same inputs: the stage does not repeat. `unrecorded` runs made this, and wait in the spool.
    """

    stage: str
    entry_sha256: str
    runs: tuple[str, ...]
    others: tuple[str, ...]
    unrecorded: int


def find_producers(store: Store, home: Home, lock: Mapping[str, LockEntry]) -> list[Producers]:
    """The producers of each entry of a dvc.lock, in its order."""
    waiting = [key for folder in journals(home.spool) for key in _spooled_entries(folder)]
    return [_producers(store, stage, entry, waiting) for stage, entry in lock.items()]


def _producers(store: Store, stage: str, entry: LockEntry, waiting: list[str]) -> Producers:
    name = entry_sha256(entry)
    same = runs_of_inputs(store, inputs_sha256(entry))
    made = {run.info.run_id: run.data.tags.get("dvc.lock_entry_sha256") for run in same}
    runs = tuple(run_id for run_id, made_entry in made.items() if made_entry == name)
    others = tuple(run_id for run_id, made_entry in made.items() if made_entry not in (name, None))
    return Producers(stage, name, runs, others, waiting.count(name))


def _spooled_entries(folder: Path) -> list[str]:
    tags = [record.values for record, _ in read(folder, 0) if isinstance(record, Tags)]
    return [values["dvc.lock_entry_sha256"] for values in tags if "dvc.lock_entry_sha256" in values]


def runs_of_inputs(store: Store, sha256: str) -> "list[Run]":
    """The finished runs that started from these inputs, oldest first."""
    return list(
        store.client.search_runs(
            [store.experiment_id],
            f"tags.`dvc.inputs_sha256` = '{sha256}' and tags.`dvc.kind` = 'stage' "
            "and attributes.status = 'FINISHED'",
            order_by=["attributes.start_time ASC"],
        )
    )


def entry_of_run(store: Store, run_id: str) -> dict[str, Any] | None:
    """What a run says dvc.lock holds of it; None for a run that did not finish, or was started by hand."""
    if not any(item.path == _ENTRY for item in store.client.list_artifacts(run_id, "dvc")):
        return None
    with TemporaryDirectory() as folder:
        path = store.client.download_artifacts(run_id, _ENTRY, folder)
        entry: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        return entry
