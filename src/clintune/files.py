"""Files that are whole or absent, and typed tables on disk. Same content, same bytes."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

Row = TypeVar("Row")

ROWS_AT_ONCE = 1024


def sha256(path: Path) -> str:
    """SHA-256 of the file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; 0 where there is nothing."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; moved there, safe on disk, when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(path)
    try:
        yield draft
        _sync(draft)
        draft.replace(path)
        _sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """An empty folder beside `path` to fill; it takes the place of `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(path)
    draft.mkdir()
    try:
        yield draft
        for inside in [*sorted(draft.rglob("*")), draft]:
            _sync(inside)
        shutil.rmtree(path, ignore_errors=True)
        draft.replace(path)
        _sync(path.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """Temporary files of this process lie in a draft of `folder` until the block ends; nothing of it stays.

    They hold records: unpacked archives, windows. What a killed process left there goes when the next begins;
    in the machine's own folder for such files it would stay, beside those of other users.
    """
    draft = _draft(folder)
    draft.mkdir(mode=0o700)
    before, tempfile.tempdir = tempfile.tempdir, str(draft.resolve())
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(draft, ignore_errors=True)


def _draft(path: Path) -> Path:
    """The one name that a draft of `path` can have: what a killed run left there goes first."""
    draft = path.with_name(f".{path.name}.draft")
    if draft.is_dir():
        shutil.rmtree(draft)
    draft.unlink(missing_ok=True)
    return draft


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, content: Any) -> None:
    """Sorted keys, two blanks, no NaN: the same content is the same bytes."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=2, sort_keys=True) + "\n"
    with whole_file(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


def read_json(path: Path) -> Any:
    """What write_json wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def table_writer(path: Path, schema: pa.Schema) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that appends a row to a parquet file, which stands when the block ends well."""
    with whole_file(path) as draft, pq.ParquetWriter(draft, schema, compression="zstd") as writer:
        waiting: list[dict[str, Any]] = []

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(waiting, schema=schema))
            waiting.clear()

        def append(row: dict[str, Any]) -> None:
            waiting.append(row)
            if len(waiting) == ROWS_AT_ONCE:
                flush()

        yield append
        if waiting:
            flush()


def write_table(path: Path, rows: Iterable[dict[str, Any]], schema: pa.Schema) -> int:
    """Stream `rows` into a parquet file; returns how many there were."""
    count = 0
    with table_writer(path, schema) as append:
        for count, row in enumerate(rows, start=1):  # noqa: B007
            append(row)
    return count


def read_table(
    path: Path, make: Callable[[dict[str, Any]], Row], *, columns: Sequence[str] | None = None
) -> Iterator[Row]:
    """Stream the rows of a parquet file, each made into a Row, of all its columns or of some."""
    with pq.ParquetFile(path) as table:
        batches = table.iter_batches(batch_size=ROWS_AT_ONCE, columns=columns)
        yield from map(make, chain.from_iterable(batch.to_pylist() for batch in batches))
