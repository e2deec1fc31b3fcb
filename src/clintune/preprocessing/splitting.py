"""Which split a record falls into, and who came first with an id or a group."""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from clintune.errors import DataError
from clintune.examples import SPLITS, Example, Record, Split
from clintune.params import SplitByFile, SplitByHash
from clintune.tasks.admission import Fault


def choose_split(record: Record[Any], by: SplitByHash | SplitByFile, seed: int) -> Split | None:
    """The split that the record names itself, else its file's pattern, else the hash of its group.

    None where patterns decide and none fits: such a file is left out. Raises DataError where two fit.
    """
    if record.split:
        return record.split
    if isinstance(by, SplitByFile):
        return _split_of_file(record.place.rpartition(":")[0], by)
    return split_of_group(record.example.group, by, seed)


def split_of_group(group: str, by: SplitByHash, seed: int) -> Split:
    """Depends on the seed and the group alone: a new record never moves an old one."""
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    height = int.from_bytes(digest[:8]) / 2**64
    if height < by.train:
        return "train"
    return "validation" if height < by.train + by.validation else "test"


@lru_cache(maxsize=1)
def _split_of_file(file: str, by: SplitByFile) -> Split | None:
    """Patterns as in a shell's case: `*` also runs across `/`. An archive counts as a folder."""
    fitting = [split for split in SPLITS if fnmatchcase(file, getattr(by, split))]
    if len(fitting) > 1:
        problem = f"the patterns of {' and '.join(fitting)} in preprocess.split both fit this file"
        raise DataError(file, problem, "make each file fit one pattern")
    return fitting[0] if fitting else None


class Claims:
    """Ids and groups seen so far. On disk, so that memory does not grow with the corpus."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute("CREATE TABLE ids (id TEXT PRIMARY KEY) WITHOUT ROWID")
        database.execute("CREATE TABLE groups (name TEXT PRIMARY KEY, split TEXT) WITHOUT ROWID")

    def claim(self, example: Example[Any], split: Split) -> Fault | None:
        """Take the example's id, and its group for `split`, unless one of them is taken already."""
        known = self._database.execute("SELECT 1 FROM ids WHERE id = ?", (example.id,))
        if known.fetchone():
            return Fault("duplicate_id", "")
        held = self._database.execute("SELECT split FROM groups WHERE name = ?", (example.group,)).fetchone()
        if held and held[0] != split:
            return Fault("group_in_two_splits", f"{held[0]} and {split}")
        self._database.execute("INSERT INTO ids VALUES (?)", (example.id,))
        self._database.execute("INSERT OR IGNORE INTO groups VALUES (?, ?)", (example.group, split))
        return None

    def groups(self) -> Mapping[Split, int]:
        """How many groups each split holds."""
        count = "SELECT count(*) FROM groups WHERE split = ?"
        return {split: self._database.execute(count, (split,)).fetchone()[0] for split in SPLITS}


@contextmanager
def open_claims() -> Iterator[Claims]:
    """Claims in SQLite's own temporary file, gone when the block ends or the process dies."""
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        yield Claims(database)
