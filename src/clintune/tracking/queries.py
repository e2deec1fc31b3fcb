"""From dvc.lock to the runs that made what it names, and back."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from clintune.errors import LedgerError
from clintune.lockfile import LockEntry, entry_sha256, inputs_sha256
from clintune.sealing.ledger import Ledger, decode
from clintune.tracking.home import Home
from clintune.tracking.journal import Tags, journals, read
from clintune.tracking.run import SEALED
from clintune.tracking.store import Store
from clintune.tracking.stored import ENTRY, NAME

if TYPE_CHECKING:
    from mlflow.entities import Run

_LOCK_ENTRY = "dvc/lock_entry.json"


@dataclass(frozen=True, slots=True)
class Producers:
    """Who made one entry of dvc.lock.

    `runs` say that they made exactly this: first those that the ledger here did not seal (of another
    machine, or invented), then those that it did, each oldest first; none: nobody of record did. `sealed` are
    the latter. `others` made something else from the same inputs: the stage does not repeat. `unrecorded`
    runs made this, and wait in the spool.
    """

    stage: str
    entry_sha256: str
    runs: tuple[str, ...]
    sealed: frozenset[str]
    others: tuple[str, ...]
    unrecorded: int


def find_producers(store: Store, home: Home, lock: Mapping[str, LockEntry]) -> list[Producers]:
    """The producers of each entry of a dvc.lock, in its order."""
    waiting = [key for folder in journals(home.spool) for key in _spooled_entries(folder)]
    lines = _lines_of_runs(Ledger(home.ledger))
    return [_producers(store, stage, entry, waiting, lines) for stage, entry in lock.items()]


def _producers(
    store: Store, stage: str, entry: LockEntry, waiting: list[str], lines: Mapping[str, str]
) -> Producers:
    name = entry_sha256(entry)
    same = [run for run in runs_of_inputs(store, inputs_sha256(entry)) if ENTRY in run.data.tags]
    made = [run for run in same if run.data.tags[ENTRY] == name]
    sealed = frozenset(_first_of_each_line(made, lines))
    runs = sorted((str(run.info.run_id) for run in made), key=sealed.__contains__)
    others = tuple(str(run.info.run_id) for run in same if run.data.tags[ENTRY] != name)
    return Producers(stage, name, tuple(runs), sealed, others, waiting.count(name))


def _first_of_each_line(runs: "list[Run]", lines: Mapping[str, str]) -> Iterator[str]:
    """The runs that name the line of the ledger which sealed them; of a run and its copies the oldest."""
    seen = set[str]()
    for run in runs:
        name, line = run.data.tags.get(NAME, ""), run.data.tags.get(SEALED, "")
        if line and line not in seen and lines.get(name) == line:
            seen.add(line)
            yield str(run.info.run_id)


def _lines_of_runs(ledger: Ledger) -> dict[str, str]:
    """The line that sealed each run, by the run's name in the spool; `verify` says what is no line."""
    found = {}
    for text in ledger.file.read_bytes().splitlines() if ledger.file.exists() else ():
        with suppress(LedgerError, RecursionError):
            line = decode(text, place=ledger.file.name)
            found[line.subject] = line.name
    return found


def _spooled_entries(folder: Path) -> list[str]:
    tags = [record.values for record, _ in read(folder, 0) if isinstance(record, Tags)]
    return [values[ENTRY] for values in tags if ENTRY in values]


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
    if not any(item.path == _LOCK_ENTRY for item in store.client.list_artifacts(run_id, "dvc")):
        return None
    with TemporaryDirectory() as folder:
        path = store.client.download_artifacts(run_id, _LOCK_ENTRY, folder)
        entry: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        return entry
