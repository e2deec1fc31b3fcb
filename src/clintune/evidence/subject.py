"""What evidence is about: the stages of dvc.lock, each with the record that was sealed of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from clintune.errors import LedgerError
from clintune.evidence.verification.observing import Sealed, ledger_in
from clintune.evidence.verification.verifier import made_by
from clintune.lockfile import LockEntry, read_lock
from clintune.sealing.record import KIND
from clintune.tracking.home import Home

Record: TypeAlias = Mapping[str, Any]
"""What `clintune.sealing.record.stage_record` wrote of a stage."""
CERTIFICATE = "certificate"
"""The kind of what a replay seals."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A project at `root` after `dvc repro`.

    `records` are by stage, in the order of dvc.lock: each is the newest that made the stage's entry; where
    none made it, which verification says, the one that it is compared with. `certificates` are those of
    replays, oldest first.
    """

    root: Path
    home: Home
    sealed: Sealed
    lock: Mapping[str, LockEntry]
    records: Mapping[str, Record]
    certificates: Sequence[Record]


def subject_of(root: Path, home: Home) -> Subject:
    """Find the record of each entry of dvc.lock.

    Raises LedgerError where nothing was sealed, TrackingError where there is no dvc.lock.
    """
    lock, sealed = read_lock(root / "dvc.lock"), ledger_in(home.ledger)
    if not sealed.lines:
        place = f"{home.root.name}/{home.ledger.name}"
        raise LedgerError(place, "nothing was sealed here", "dvc repro seals")
    stages = [record for _, record in sealed.of_kind(KIND)]
    found = {stage: made_by(stage, dict(entry), stages)[1] for stage, entry in lock.items()}
    records = {stage: record for stage, record in found.items() if record is not None}
    certificates = [record for _, record in sealed.of_kind(CERTIFICATE)]
    return Subject(root, home, sealed, lock, records, certificates)
