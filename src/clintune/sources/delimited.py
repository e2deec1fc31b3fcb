"""CSV as RFC 4180 has it, and TSV as IANA has it (text/tab-separated-values): without quotes.

In CSV a field in quotes may hold commas, doubled quotes and line ends, which are kept as they are. In TSV a
quote is a character like others. Rows end at LF or CR LF. A row is named by the line that it begins on.
"""

import csv
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from clintune.errors import SourceError
from clintune.examples import Cells, Record
from clintune.params import Preprocess, Table
from clintune.sources.corpus import CorpusFile, corpus_files
from clintune.sources.decoding import no_record, read_lines, read_whole_lines
from clintune.sources.rows import Columns

LONGEST = 2**27
"""Characters of a field."""


def read_csv(corpus: Path, section: Preprocess) -> Generator[Record[Cells], None, None]:
    """Stream the rows. Raises SourceError."""
    yield from _read(corpus, section, quotes=True)


def read_tsv(corpus: Path, section: Preprocess) -> Generator[Record[Cells], None, None]:
    """Stream the rows. Raises SourceError."""
    yield from _read(corpus, section, quotes=False)


def _read(corpus: Path, section: Preprocess, *, quotes: bool) -> Generator[Record[Cells], None, None]:
    assert section.table is not None  # params hold it where the format is a table
    for files in corpus_files(corpus):
        for file in files:
            rows = _csv_rows(file) if quotes else _tsv_rows(file)
            yield from _records(file, rows, section.table)


def _records(
    file: CorpusFile, rows: Iterator[tuple[Sequence[str], str]], table: Table
) -> Iterator[Record[Cells]]:
    columns = None
    number = 0
    for cells, place in rows:
        if columns is None:
            columns = Columns.of(table, file.name, cells)
            if table.header:
                continue
        number += 1
        yield columns.record(cells, number, place)
    if not number:
        raise no_record(file)


def _tsv_rows(file: CorpusFile) -> Iterator[tuple[list[str], str]]:
    for line in read_lines(file):
        if line.text:
            yield line.text.split("\t"), line.place


def _csv_rows(file: CorpusFile) -> Iterator[tuple[list[str], str]]:
    csv.field_size_limit(LONGEST)
    reader = csv.reader((line.text for line in read_whole_lines(file)), strict=True)
    first = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = f"not a row of CSV ({error})"
            raise SourceError(f"{file.name}:{first}", problem, "mend the quotes and line ends") from None
        if cells:
            yield cells, f"{file.name}:{first}"
        first = reader.line_num + 1
