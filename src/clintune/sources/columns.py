"""Parquet: one record per row, streamed. A row is named by its number, from 1."""

from collections.abc import Collection, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clintune.errors import SourceError
from clintune.examples import Cells, Record
from clintune.files import ROWS_AT_ONCE
from clintune.params import Preprocess, Table
from clintune.sources.corpus import CorpusFile, corpus_files
from clintune.sources.decoding import no_record
from clintune.sources.rows import Columns

_NO_CELLS = (
    pa.types.is_nested, pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary,
    pa.types.is_binary_view,
)  # fmt: skip
"""Types whose values are no cell of a table: str() would make a text of them that nobody wrote."""


def read(corpus: Path, section: Preprocess) -> Generator[Record[Cells], None, None]:
    """Stream the rows. Raises SourceError."""
    assert section.table is not None  # params hold it where the format is a table
    for files in corpus_files(corpus):
        for file in files:
            try:
                yield from _records(file, section.table)
            except UnicodeDecodeError:
                raise SourceError(f"{file.name}:1", "a text in it is not UTF-8", "write it anew") from None
            except (pa.ArrowException, OSError) as error:
                problem = f"not a whole parquet file ({type(error).__name__})"
                raise SourceError(f"{file.name}:1", problem, "restore the file") from None


def _records(file: CorpusFile, table: Table) -> Iterator[Record[Cells]]:
    number = 0
    with pq.ParquetFile(file.path) as stored:
        columns = Columns.of(table, file.name, stored.schema_arrow.names)
        _expect_plain(stored.schema_arrow, columns, file)
        for batch in stored.iter_batches(batch_size=ROWS_AT_ONCE):
            for cells in _rows(batch, {*columns.places.values()}):
                number += 1
                yield columns.record(cells, number, f"{file.name}:{number}")
    if not number:
        raise no_record(file)


def _rows(batch: pa.RecordBatch, used: Collection[int]) -> Iterator[Sequence[str]]:
    """Cells of a column that nobody uses are empty: what it holds may be no text at all."""
    empty = [""] * batch.num_rows
    cells = (
        map(_cell, column.to_pylist()) if place in used else empty
        for place, column in enumerate(batch.columns)
    )
    return zip(*cells, strict=True)


def _expect_plain(schema: pa.Schema, columns: Columns, file: CorpusFile) -> None:
    for place in columns.places.values():
        kind = schema.types[place]
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not any(holds(kind) for holds in _NO_CELLS):
            continue
        problem = f"column {schema.names[place]!r} holds {kind}, and no texts, numbers or truths"
        step = "write each cell as text; several labels as one text with ; between them"
        raise SourceError(f"{file.name}:1", problem, step)


def _cell(value: Any) -> str:
    """As a CSV file would have it: nothing for null, 0 and 1 for truth, numbers in full."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)
