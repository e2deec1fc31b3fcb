"""The section `preprocess` of params.yaml: how records lie in their files, and how they are split."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from clintune.params_base import Fraction, Name, Section

TABLES = ("csv", "tsv", "parquet")
"""The formats with one record per row."""

Column = Name | Annotated[int, Field(ge=0)]
"""A name in the header, or a number from 0 where there is none."""


class SplitByShares(Section):
    """Each split is a share of the whole."""

    by: str
    train: Fraction
    validation: Fraction
    test: Fraction

    @model_validator(mode="after")
    def _whole(self) -> Self:
        shares = (self.train, self.validation, self.test)
        if abs(sum(shares) - 1) > 1e-9:
            raise ValueError("train, validation and test must add up to 1")
        if not all(shares):
            raise ValueError("train, validation and test must each be above 0")
        return self


class SplitByHash(SplitByShares):
    """Each group falls into a split by a hash of its name and the seed."""

    by: Literal["hash"]


class SplitByScaffold(SplitByShares):
    """Molecules fall into splits by their Bemis-Murcko scaffold, the most frequent ones into train."""

    by: Literal["scaffold"]


class SplitByFile(Section):
    """The corpus comes with its splits: each is a glob pattern of paths below data/raw/files."""

    by: Literal["file"]
    train: Name
    validation: Name
    test: Name


class Conll(Section):
    """Columns of a CoNLL file: which separator, which column is the token and which the tag."""

    scheme: Literal["iob1", "iob2", "iobes"]
    separator: Literal["space", "tab"]
    token: Annotated[int, Field(ge=0)]
    tag: Annotated[int, Field(ge=0)]
    joiner: Literal["", " "]


class Table(Section):
    """Which column of a table is what. `strip` takes white space from both ends of each text.

    Without `group`, equal texts are one group, so that none of them lies in two splits. Without `id`, the
    file's name and the number of the row are the id.
    """

    header: bool
    text: Column
    target: Annotated[tuple[Column, ...], Field(strict=False, min_length=1)]
    id: Column | None
    group: Column | None
    attributes: Annotated[tuple[Column, ...], Field(strict=False)]
    strip: bool

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if self.text in self.target or len(set(self.target)) != len(self.target):
            raise ValueError("text and each target must be columns of their own")
        used = (self.text, *self.target, *filter(None, (self.id, self.group)), *self.attributes)
        if not self.header and not all(isinstance(column, int) for column in used):
            raise ValueError("without a header columns have numbers, from 0, and no names")
        return self


class Preprocess(Section):
    """How raw files become checked examples. `labels` renames; a label mapped to null is left out."""

    format: Literal["jsonl", "pubtator", "brat", "conll", "csv", "tsv", "parquet"]
    conll: Conll | None
    table: Table | None
    split: SplitByHash | SplitByFile | SplitByScaffold = Field(discriminator="by")
    labels: Mapping[str, Name | None]
    max_quarantined: Fraction

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.format == "conll") != (self.conll is not None):
            raise ValueError("conll belongs to format conll: give its keys there, null elsewhere")
        if (self.format in TABLES) != (self.table is not None):
            raise ValueError("table belongs to csv, tsv and parquet: give its keys there, null elsewhere")
        if self.split.by == "scaffold" and (self.table is None or self.table.group is not None):
            raise ValueError(
                "a split by scaffold groups a table's rows by scaffold: table.group must be null"
            )
        return self
