"""Which reader reads which format: a new format is one module and one line."""

from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from clintune.examples import Record
from clintune.params import Preprocess
from clintune.sources import brat, columns, conll, delimited, jsonl, pubtator

Reader: TypeAlias = Callable[[Path, Preprocess], Generator[Record[Any], None, None]]
"""From the folder of a corpus to its records, in a fixed order, one in memory at a time."""

READERS: Mapping[str, Reader] = {
    "jsonl": jsonl.read,
    "pubtator": pubtator.read,
    "brat": brat.read,
    "conll": conll.read,
    "csv": delimited.read_csv,
    "tsv": delimited.read_tsv,
    "parquet": columns.read,
}
