"""What evidence is about: the stages of dvc.lock, each with the record that was sealed of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from clintune.errors import LedgerError
from clintune.evidence.verification.observing import Sealed, ledger_in
from clintune.lockfile import LockEntry, entry_sha256, read_lock
from clintune.sealing.record import KIND
from clintune.tracking.home import Home

Record: TypeAlias = Mapping[str, Any]
"""What `clintune.sealing.record.stage_record` wrote of a stage."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A project at `root` after `dvc repro`.

    `records` are by stage, in the order of dvc.lock: each is the newest that made the stage's entry.
    `certificates` are those of replays, oldest first.
    """

    root: Path
    home: Home
    sealed: Sealed
    lock: Mapping[str, LockEntry]
    records: Mapping[str, Record]
    certificates: Sequence[Record]


def subject_of(root: Path, home: Home, lock: Mapping[str, LockEntry] | None = None) -> Subject:
    """Find the record of each entry of a lock, which is the one that lies there where none is given.

    Raises LedgerError where an entry has none, TrackingError where there is no dvc.lock.
    """
    lock = read_lock(root / "dvc.lock") if lock is None else lock
    sealed = ledger_in(home.ledger)
    made = {record["lock_entry_sha256"]: record for _, record in sealed.of_kind(KIND)}
    missing = [stage for stage, entry in lock.items() if entry_sha256(entry) not in made]
    if missing:
        problem = f"no record here says how {', '.join(missing)} of dvc.lock came about"
        raise LedgerError(f"dvc.lock: {missing[0]}", problem, "run dvc repro first, or where it was run")
    records = {stage: made[entry_sha256(entry)] for stage, entry in lock.items()}
    certificates = [record for _, record in sealed.of_kind("certificate")]
    return Subject(root, home, sealed, lock, records, certificates)
