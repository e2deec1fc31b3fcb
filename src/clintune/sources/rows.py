"""Rows of a table as records: which cell is what."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Self

from clintune.errors import SourceError
from clintune.examples import Cells, Example, Record
from clintune.params import Table

Column = str | int


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the columns that `section` names stand in one file."""

    section: Table
    places: Mapping[Column, int]
    width: int
    stem: str

    @classmethod
    def of(cls, section: Table, file: str, header: Sequence[str]) -> Self:
        """By the names of a header, or by number where `section` says that there is none.

        Raises SourceError for a column that is not there, or there twice.
        """
        wanted = [section.text, *section.target, *section.attributes]
        wanted += [column for column in (section.id, section.group) if column is not None]
        places = {column: _place(column, header, f"{file}:1") for column in wanted}
        return cls(section, places, len(header), PurePosixPath(file).with_suffix("").as_posix())

    def record(self, cells: Sequence[str], number: int, place: str) -> Record[Cells]:
        """One row; `number` counts the rows of its file from 1. Raises SourceError."""
        if len(cells) != self.width:
            problem = f"{len(cells)} columns, where the first line of the file has {self.width}"
            raise SourceError(place, problem, "mend the line; check preprocess.format")

        def cell(column: Column) -> str:
            return cells[self.places[column]]

        section = self.section
        text = cell(section.text).strip() if section.strip else cell(section.text)
        named = f"{self.stem}-{number}" if section.id is None else cell(section.id)
        group = _digest(text) if section.group is None else cell(section.group)
        if not (named.strip() and group.strip()):
            raise SourceError(
                place, "its id or group is empty", "mend the line, or set table.id or group null"
            )
        target = {str(column): cell(column) for column in section.target}
        attributes = {str(column): cell(column) for column in section.attributes if cell(column).strip()}
        return Record(Example(named, group, text, target, attributes), place)


def _place(column: Column, header: Sequence[str], place: str) -> int:
    if isinstance(column, int):
        if column >= len(header):
            problem = f"{len(header)} columns, and preprocess.table names number {column} (counted from 0)"
            raise SourceError(place, problem, "set preprocess.table")
        return column
    found = [number for number, name in enumerate(header) if name == column]
    if len(found) != 1:
        problem = f"{'no' if not found else 'more than one'} column is called {column!r}"
        raise SourceError(place, problem, "set preprocess.table, or mend the first line")
    return found[0]


def _digest(text: str) -> str:
    """Equal texts are one group."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
