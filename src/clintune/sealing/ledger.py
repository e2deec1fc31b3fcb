"""The ledger: one line per sealed record, each naming the line before it by hash.

Whoever changes, removes or inserts a line in the middle breaks the chain. Whoever cuts off its end, or makes
all hashes anew, leaves a whole chain: the runs in the tracking store, each of which names its line, and a
signature over an evidence pack are what shows that.
"""

import fcntl
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clintune.errors import LedgerError
from clintune.sealing.canonical import canonical, digest

FIRST = "0" * 64
"""What the first line has in place of the hash of the line before."""


@dataclass(frozen=True, slots=True)
class Line:
    """The record with this SHA-256 was sealed as `number`, which counts from 1, at `at` ms since 1970."""

    number: int
    at: int
    kind: str
    subject: str
    record: str
    previous: str

    @property
    def hash(self) -> str:
        """Names this line, and through `previous` all before it."""
        return digest(asdict(self))

    @property
    def name(self) -> str:
        """How a run in the tracking store names it."""
        return f"{self.number}:{self.hash}"

    def encode(self) -> bytes:
        """The line, with its hash, ended by a newline."""
        return canonical({**asdict(self), "hash": self.hash}) + b"\n"


class Ledger:
    """The ledger in a folder, with the records that it names."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "ledger.jsonl"
        self._records = folder / "records"
        self._lock = folder / "lock"
        self._identity = folder / "identity"

    def append(self, kind: str, subject: str, record: Any, *, at: int) -> Line:
        """Seal a record: it is on disk, whole, before the line that names it.

        Raises LedgerError where the last line is none: nothing is chained to a line that is not known.
        """
        content = canonical(record)
        sha256 = hashlib.sha256(content).hexdigest()
        with self._alone():
            _write(self.record_file(sha256), content)
            last = self._last()
            previous, number = (last.hash, last.number + 1) if last else (FIRST, 1)
            line = Line(number, at, kind, subject, sha256, previous)
            with self.file.open("ab") as stream:
                stream.write(line.encode())
                stream.flush()
                os.fsync(stream.fileno())
        return line

    def expect_sound(self) -> None:
        """Before hours are spent on what could not be sealed. Raises LedgerError as `append` does."""
        with self._alone():
            self._last()

    def identity(self) -> str:
        """Tells it from the ledgers of other clones, whose runs may lie in the same store."""
        return self._identity.read_text("ascii", "replace").strip() if self._identity.exists() else ""

    def begin(self) -> str:
        """Give it its identity, at random, unless it has one."""
        with self._alone():
            if not self.identity():
                _write(self._identity, uuid.uuid4().hex.encode())
        return self.identity()

    def record_file(self, sha256: str) -> Path:
        """Where the record with this hash lies."""
        return self._records / f"{sha256}.json"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._records.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _last(self) -> Line | None:
        """The last whole line. Half a line, of a process that was killed while it wrote, is taken off."""
        if not self.file.exists():
            return None
        *lines, rest = self.file.read_bytes().split(b"\n")
        if rest and _is_line(rest):  # all of it but its end
            with self.file.open("ab") as stream:
                stream.write(b"\n")
            lines.append(rest)
        elif rest:
            os.truncate(self.file, sum(len(line) + 1 for line in lines))
        return decode(lines[-1], place=f"{self.file.name}:{len(lines)}") if lines else None


def decode(text: bytes, *, place: str) -> Line:
    """The line that says what it is named. Raises LedgerError where it is none, or has another hash."""
    try:
        fields = json.loads(text)
        claimed = fields.pop("hash")
        line = Line(**fields)
        real = line.hash
    except (ValueError, TypeError, KeyError, AttributeError):
        raise LedgerError(place, "no line of a ledger", "restore the ledger from a copy") from None
    if real != claimed:
        raise LedgerError(place, "the line was changed: its hash is another", "restore it from a copy")
    return line


def _is_line(text: bytes) -> bool:
    try:
        decode(text, place="")
    except LedgerError:
        return False
    return True


def _write(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".draft")
    with draft.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
