"""Texts and ids of the records, looked for in what others get to see: store, ledger, lock, model, reports."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from zlib import crc32

from clintune.evidence.checklist.needles import SHORTEST, Needles
from clintune.evidence.checklist.sealed import Sealed
from clintune.examples import SPLITS
from clintune.files import read_table, sha256

MOST_NEEDLES = 50_000
"""Of more pieces of texts and ids, every second, fourth, eighth … is looked for."""

MOST_BYTES = 2 << 30
"""What is read at most: some 90 seconds."""

_LINE, _PIECE = 30, 48
_PRIVATE = ("data/raw", "data/examples", "data/windows", "data/evaluation/predictions.parquet")
"""What holds records, and stays where they are."""


@dataclass(frozen=True, slots=True)
class Leaks:
    """`hits`: by file, how many pieces stand in it. Each `step`-th piece, `pieces` in all, was looked for.

    `read` of `size` bytes were read, each content once.
    """

    pieces: int
    step: int
    files: int
    size: int
    read: int
    hits: tuple[tuple[str, int], ...]


def leaks(sealed: Sealed, state: Path, outputs: Iterable[str]) -> Leaks:
    """Look through `state` (store, spool, ledger), dvc.lock and the outputs that hold no records.

    Raises Unknown where the records are not there as they were sealed.
    """
    pieces = _Pieces()
    for split in SPLITS:
        file = sealed.file(f"data/examples/{split}.parquet")
        for one in read_table(file, lambda row: (row["id"], row["group"], row["text"]), columns=_COLUMNS):
            pieces.add(*one)
    words = {spelling: word for word in pieces.chosen for spelling in _spellings(word)}
    needles = Needles(words)
    files = sorted(_files(sealed.root, state, outputs), key=lambda one: (one[1].stat().st_size, one[0]))
    seen: set[str] = set()
    hits, size, read = [], 0, 0
    for name, file in files:
        content = sha256(file)
        if content in seen:
            continue
        seen.add(content)
        size += file.stat().st_size
        if size <= MOST_BYTES:
            read = size
            found = {words[one] for one in needles.among(file)}
            hits += [(name, len(found))] if found else []
    return Leaks(len(pieces.chosen), pieces.step, len(files), size, read, tuple(sorted(hits)))


_COLUMNS = ["id", "group", "text"]


@dataclass(slots=True)
class _Pieces:
    """Pieces of lines of texts, ids and groups; all of them, or every `step`-th by a sum of its bytes."""

    chosen: set[str] = field(default_factory=set)
    step: int = 1

    def add(self, name: str, group: str, text: str) -> None:
        """Those of a record. What is short, or a number, stands everywhere by chance."""
        lines = [line.strip()[:_PIECE] for line in text.splitlines() if len(line.strip()) >= _LINE]
        ids = [one for one in (name, group) if not one.isdecimal()]
        for piece in (*lines, *ids):
            if len(_bytes(piece)) >= SHORTEST and crc32(_bytes(piece)) % self.step == 0:
                self.chosen.add(piece)
        if len(self.chosen) > MOST_NEEDLES:
            self.step *= 2
            self.chosen = {one for one in self.chosen if crc32(_bytes(one)) % self.step == 0}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _spellings(word: str) -> set[bytes]:
    """As it stands in a plain file, in JSON, in HTML."""
    texts = {word, json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1], escape(word)}
    return {_bytes(text) for text in texts}


def _files(root: Path, state: Path, outputs: Iterable[str]) -> Iterator[tuple[str, Path]]:
    for name in ("dvc.lock", *outputs):
        if (root / name).is_file() and not name.startswith(_PRIVATE):
            yield name, root / name
    for file in state.rglob("*"):
        if file.is_file():
            yield f"{state.name}/{file.relative_to(state).as_posix()}", file
