"""What evidence is about: the stages of dvc.lock, each with the record that was sealed of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from clintune.errors import LedgerError
from clintune.evidence.verification.chain import Chain
from clintune.lockfile import LockEntry, entry_sha256
from clintune.sealing.record import KIND
from clintune.tracking.home import Home

Record: TypeAlias = Mapping[str, Any]
"""What `clintune.sealing.record.stage_record` wrote of a stage."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A project at `root` after `dvc repro`.

    `records` are by stage, in the order of dvc.lock: each is the newest that made the stage's entry.
    `certificates` are those of replays, oldest first. `chain` is the whole ledger.
    """

    root: Path
    home: Home
    chain: Chain
    lock: Mapping[str, LockEntry]
    records: Mapping[str, Record]
    certificates: Sequence[Record]


def subject_of(root: Path, home: Home, lock: Mapping[str, LockEntry]) -> Subject:
    """Find the record of each entry of the lock. Raises LedgerError where one has none."""
    chain = Chain.of(home.ledger)
    made = {record["lock_entry_sha256"]: record for _, record in chain.sealed(KIND)}
    missing = [stage for stage, entry in lock.items() if entry_sha256(entry) not in made]
    if missing:
        problem = f"no record here says how {', '.join(missing)} of dvc.lock came about"
        raise LedgerError(f"dvc.lock: {missing[0]}", problem, "run dvc repro first, or where it was run")
    records = {stage: made[entry_sha256(entry)] for stage, entry in lock.items()}
    certificates = [record for _, record in chain.sealed("certificate")]
    return Subject(root, home, chain, lock, records, certificates)
