"""The spool: what a run has to say, one JSON line after the other, before any of it is sent.

A journal is locked while its run lives: a journal that is neither locked nor closed belongs to a dead one.
"""

import errno
import fcntl
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["FINISHED", "FAILED", "KILLED"]
Milliseconds: TypeAlias = int
"""Since 1970, as MLflow counts."""


def now() -> Milliseconds:
    """The time."""
    return int(time.time() * 1000)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The execution (one `dvc` process) that a stage run belongs to; `files` are shown in its run."""

    process: str
    name: str
    start: Milliseconds
    tags: Mapping[str, str]
    params: Mapping[str, str]
    files: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A run begins. `key` is its name in the spool and, as a tag, in the store."""

    key: str
    name: str
    start: Milliseconds
    tags: Mapping[str, str]
    process: str
    pipeline: Pipeline | None


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters, by flattened name."""

    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tags:
    """Tags; a later value replaces an earlier one."""

    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Metrics:
    """Finite numbers, all of one moment."""

    values: Mapping[str, float]
    step: int
    at: Milliseconds


@dataclass(frozen=True, slots=True)
class Headline:
    """The numbers by which executions are compared: shown in the run of the execution."""

    values: Mapping[str, float]
    at: Milliseconds


@dataclass(frozen=True, slots=True)
class Dataset:
    """Something of data/ that the run reads. `digest` is DVC's hash."""

    name: str
    digest: str
    role: str
    profile: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file or folder to show in the run; `copy` lies in the run's spool folder."""

    copy: str
    folder: str


@dataclass(frozen=True, slots=True)
class Model:
    """An MLflow model, saved in the run's spool folder, to log and to register as `name`."""

    copy: str
    name: str
    alias: str
    description: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Closed:
    """The run is over. `reason` never holds the text of a record, its id or the name of its file."""

    status: Status
    end: Milliseconds
    reason: str


Record: TypeAlias = Opened | Params | Tags | Metrics | Headline | Dataset | Artifact | Model | Closed
_KINDS: dict[str, type[Record]] = {
    kind.__name__: kind
    for kind in (Opened, Params, Tags, Metrics, Headline, Dataset, Artifact, Model, Closed)
}

_CLOSED = b'{"kind": "Closed"'
_LONGEST_CLOSED = 65_536


def encode(record: Record) -> bytes:
    """One line, ended by a newline."""
    text = json.dumps({"kind": type(record).__name__, **asdict(record)}, ensure_ascii=True, allow_nan=False)
    return text.encode("ascii") + b"\n"


def decode(line: bytes) -> Record:
    """What encode wrote."""
    fields = json.loads(line)
    kind = _KINDS[fields.pop("kind")]
    if kind is Opened and fields["pipeline"] is not None:
        fields["pipeline"] = Pipeline(**fields["pipeline"])
    return kind(**fields)


def new_key(name: str) -> str:
    """A name that no other run has; names sort by time."""
    moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    safe = "".join(char if char.isalnum() else "_" for char in name)
    return f"{moment}-{safe}-{uuid.uuid4().hex}"


class Journal:
    """The open journal of a living run; `opened` is its first record."""

    def __init__(self, folder: Path, opened: Opened, handle: int) -> None:
        self.folder, self.opened = folder, opened
        self._handle = handle

    @classmethod
    def open(cls, spool: Path, opened: Opened, files: Mapping[str, bytes]) -> "Journal":
        """Begin a journal with its first record and the files that this record speaks of."""
        spool.mkdir(parents=True, exist_ok=True)
        draft = spool / f".{opened.key}"
        for name, content in files.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).write_bytes(content)
        draft.mkdir(exist_ok=True)
        handle = os.open(draft / "journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        fcntl.flock(handle, fcntl.LOCK_EX)
        journal = cls(spool / opened.key, opened, handle)
        journal.write(opened)
        # After a power cut, too, every journal begins with its opening.
        os.fsync(handle)
        draft.rename(journal.folder)
        return journal

    def write(self, record: Record) -> None:
        """Append one record, whole or not at all; only a process killed meanwhile leaves a torn line."""
        line, size = encode(record), os.fstat(self._handle).st_size
        try:
            written = os.write(self._handle, line)
            if written < len(line):
                raise OSError(errno.ENOSPC, "no space for the journal", str(self.folder))
        except OSError:
            os.ftruncate(self._handle, size)
            raise

    def copy(self, source: Path) -> str:
        """Keep a copy of a file or folder as it is now; returns its path in the run's folder."""
        place = self.new_place(source.name)
        if source.is_dir():
            shutil.copytree(source, self.folder / place)
        else:
            shutil.copy2(source, self.folder / place)
        return place

    def keep(self, name: str, content: str) -> str:
        """Keep a text as a file called `name`; returns its path in the run's folder."""
        place = self.new_place(name)
        (self.folder / place).write_text(content, encoding="utf-8", newline="\n")
        return place

    def new_place(self, name: str) -> str:
        """A path in the run's folder where nothing is yet."""
        place = Path("files") / uuid.uuid4().hex / name
        (self.folder / place).parent.mkdir(parents=True)
        return str(place)

    def close(self, closed: Closed) -> None:
        """Write the last record and release the lock."""
        self.write(closed)
        os.fsync(self._handle)
        os.close(self._handle)


def journals(spool: Path) -> list[Path]:
    """The folders of the runs that are not yet whole in the store, oldest first."""
    if not spool.is_dir():
        return []
    return sorted(file.parent for file in spool.glob("[!.]*/journal"))


def read(folder: Path, offset: int) -> Iterator[tuple[Record, int]]:
    """The records from byte `offset` on, each with the offset after it. A torn last line is left out."""
    with (folder / "journal").open("rb") as stream:
        stream.seek(offset)
        for line in stream:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            yield decode(line), offset


def first_record(folder: Path) -> Opened:
    """How the run began: in every journal, for it gets its name only after this record is written."""
    record, _ = next(read(folder, 0))
    if not isinstance(record, Opened):
        raise TypeError(f"{folder.name} does not begin with its opening")
    return record


def is_closed(folder: Path) -> bool:
    """Whether the last record has been written."""
    with (folder / "journal").open("rb") as stream:
        # The sender asks ten times a second, and journals grow: the end will do.
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - _LONGEST_CLOSED))
        lines = stream.read().splitlines(keepends=True)
    return bool(lines) and lines[-1].startswith(_CLOSED) and lines[-1].endswith(b"\n")


def ended(folder: Path) -> bool:
    """Whether the run is over. The journal of a run whose process is gone is closed here, as KILLED.

    Its end is the last sign of life: the time of the last write.
    """
    with (folder / "journal").open("r+b") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if not is_closed(folder):
            end = int(os.fstat(stream.fileno()).st_mtime * 1000)
            stream.truncate(stream.read().rfind(b"\n") + 1)
            stream.seek(0, os.SEEK_END)
            stream.write(encode(Closed("KILLED", end, "the process is gone")))
    return True
