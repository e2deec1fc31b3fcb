"""Parquet: one record per row, streamed. A row is named by its number, from 1."""

from collections.abc import Generator, Iterator
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


def read(corpus: Path, section: Preprocess) -> Generator[Record[Cells], None, None]:
    """Stream the rows. Raises SourceError."""
    assert section.table is not None  # params hold it where the format is a table
    for files in corpus_files(corpus):
        for file in files:
            try:
                yield from _records(file, section.table)
            except (pa.ArrowException, OSError) as error:
                problem = f"not a whole parquet file ({type(error).__name__})"
                raise SourceError(f"{file.name}:1", problem, "restore the file") from None


def _records(file: CorpusFile, table: Table) -> Iterator[Record[Cells]]:
    number = 0
    with pq.ParquetFile(file.path) as stored:
        columns = Columns.of(table, file.name, stored.schema_arrow.names)
        for batch in stored.iter_batches(batch_size=ROWS_AT_ONCE):
            for row in batch.to_pylist():
                number += 1
                yield columns.record(
                    [_cell(value) for value in row.values()], number, f"{file.name}:{number}"
                )
    if not number:
        raise no_record(file)


def _cell(value: Any) -> str:
    """As a CSV file would have it: nothing for null, 0 and 1 for truth, numbers in full."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)
