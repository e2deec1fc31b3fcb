"""What evidence is about: the stages of dvc.lock, each with the record that was sealed of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from clintune.evidence.verification.observing import CERTIFICATE
from clintune.evidence.verification.sealed import Sealed, ledger_in, nothing_sealed
from clintune.evidence.verification.verifier import made_by, read_ledger
from clintune.lockfile import LockEntry, read_lock
from clintune.sealing.ledger import Line
from clintune.sealing.record import KIND
from clintune.tracking.home import Home

Record: TypeAlias = Mapping[str, Any]
"""What `clintune.sealing.record.stage_record` wrote of a stage."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The lines of the ledger that hold, and by its hash each record that is what it is named."""

    lines: Sequence[Line]
    records: Mapping[str, Record]

    @classmethod
    def of(cls, sealed: Sealed) -> "Chain":
        """Read the ledger; what is wrong with it is for verification to say."""
        held, lines, _ = read_ledger(sealed.lines, sealed.records)
        own = [Line(**{key: one for key, one in line.items() if key != "hash"}) for line in lines]
        return cls(own, {line["record"]: record for line, record in held})

    def sealed(self, kind: str) -> Iterator[tuple[Line, Record]]:
        """The records of this kind with their lines, oldest first."""
        return (
            (line, self.records[line.record])
            for line in self.lines
            if line.kind == kind and line.record in self.records
        )


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
    chain: Chain
    lock: Mapping[str, LockEntry]
    records: Mapping[str, Record]
    certificates: Sequence[Record]


def subject_of(root: Path, home: Home, sealed: Sealed | None = None) -> Subject:
    """Find the record of each entry of dvc.lock, in the ledger as it lies there or as it was read before.

    Raises LedgerError where nothing was sealed, TrackingError where there is no dvc.lock.
    """
    lock, sealed = read_lock(root / "dvc.lock"), sealed or ledger_in(home.ledger)
    if not sealed.lines:
        raise nothing_sealed(home.ledger)
    chain = Chain.of(sealed)
    stages: list[Any] = [record for _, record in chain.sealed(KIND)]
    found = {stage: made_by(stage, dict(entry), stages)[1] for stage, entry in lock.items()}
    records = {stage: record for stage, record in found.items() if record is not None}
    certificates = [record for _, record in chain.sealed(CERTIFICATE)]
    return Subject(root, home, sealed, chain, lock, records, certificates)
