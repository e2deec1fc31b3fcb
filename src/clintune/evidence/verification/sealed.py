"""The ledger as it lies there, whatever is wrong with it: that is for the verifier to say."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clintune.errors import LedgerError
from clintune.evidence.verification import verifier
from clintune.sealing.ledger import Ledger

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sealed:
    """The ledger as it lies there: its lines, and the bytes of each record by its name."""

    lines: tuple[bytes, ...]
    records: Mapping[str, bytes]

    def of_kind(self, kind: str) -> list[tuple[Tree, Tree]]:
        """(line, record) of those that hold, oldest first."""
        held, _, _ = verifier.read_ledger(self.lines, self.records)
        return [(line, record) for line, record in held if line["kind"] == kind]


def ledger_in(folder: Path) -> Sealed:
    """Empty where there is no ledger. Raises LedgerError where it cannot be read."""
    ledger, lines = Ledger(folder), lines_in(folder)
    with _readable(folder):
        names = {name for name in map(_record_named, lines) if name and ledger.record_file(name).is_file()}
        return Sealed(lines, {name: ledger.record_file(name).read_bytes() for name in sorted(names)})


def nothing_sealed(folder: Path) -> LedgerError:
    """There is no line, and no run that names one."""
    step = "dvc repro seals (-f where nothing is stale); run this in the folder with dvc.yaml"
    return LedgerError(f"{folder.parent.name}/{folder.name}", "nothing was sealed here", step)


def lines_in(folder: Path) -> tuple[bytes, ...]:
    """The same without the records, which are many times as long."""
    file = Ledger(folder).file
    with _readable(folder):
        return tuple(file.read_bytes().splitlines()) if file.exists() else ()


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place, problem = f"{folder.parent.name}/{folder.name}", f"cannot be read ({error.strerror})"
        raise LedgerError(place, problem, "restore it from a copy") from None


def _record_named(line: bytes) -> str:
    """By a line; by one that is none, nothing."""
    name = verifier.parsed(line).get("record")
    return name if isinstance(name, str) and re.fullmatch("[0-9a-f]{64}", name) else ""
