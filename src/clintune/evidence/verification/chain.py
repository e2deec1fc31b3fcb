"""The ledger and its records, looked at alone: a whole chain, and each record the one that is named."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clintune.errors import LedgerError
from clintune.evidence.verification.findings import Finding
from clintune.sealing.ledger import FIRST, Ledger, Line, decode


@dataclass(frozen=True, slots=True)
class Chain:
    """The lines that can be read, the records that are what they are named, and what is wrong."""

    lines: Sequence[Line]
    records: dict[str, Any]
    findings: Sequence[Finding]

    @classmethod
    def of(cls, folder: Path) -> "Chain":
        """Read everything, and check every hash. An empty chain where there is no ledger."""
        ledger = Ledger(folder)
        lines, findings = _lines(ledger.file)
        records = {}
        for line in lines:
            record, wrong = _record(ledger, line)
            findings += wrong
            if record is not None:
                records[line.record] = record
        return cls(lines, records, findings)

    def sealed(self, kind: str) -> Iterator[tuple[Line, Any]]:
        """The records of this kind with their lines, oldest first."""
        return (
            (line, self.records[line.record])
            for line in self.lines
            if line.kind == kind and line.record in self.records
        )


def _lines(file: Path) -> tuple[list[Line], list[Finding]]:
    lines: list[Line] = []
    findings: list[Finding] = []
    content = file.read_bytes().splitlines() if file.exists() else []
    for number, text in enumerate(content, start=1):
        place = f"{file.name}:{number}"
        try:
            line = decode(text, place=place)
        except LedgerError as error:
            findings.append(Finding("ledger", place, "", "a line of the chain", error.problem))
            continue
        if line.number != number:
            findings.append(Finding("ledger", place, "number", str(number), str(line.number)))
        before = lines[-1].hash if lines else FIRST
        if line.previous != before:
            findings.append(Finding("ledger", place, "previous", line.previous, before))
        lines.append(line)
    return lines, findings


def _record(ledger: Ledger, line: Line) -> tuple[Any, list[Finding]]:
    file = ledger.record_file(line.record)
    place = f"{file.parent.name}/{file.name}"
    if not file.exists():
        return None, [Finding("record", place, f"record of {line.subject}", line.record, "")]
    content = file.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != line.record:
        return None, [Finding("record", place, f"record of {line.subject}", line.record, found)]
    return json.loads(content), []
