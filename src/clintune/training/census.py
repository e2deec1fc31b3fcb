"""What occurs in a file of windows, in one pass that keeps no text in memory."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from clintune.examples import IGNORED
from clintune.files import ROWS_AT_ONCE

PADDING = 0
"""The token that batching.pad fills up with: it is looked up in the table like any other."""


def tokens_in(*paths: Path) -> set[int]:
    """Every token that a batch of these windows can hold."""
    found = {PADDING}
    for values in _values("input_ids", *paths):
        found.update(pc.unique(values).to_pylist())
    return found


def label_counts(path: Path) -> Counter[int]:
    """How many owned tokens carry each label."""
    found: Counter[int] = Counter()
    for values in _values("labels", path):
        found.update({one["values"].as_py(): one["counts"].as_py() for one in pc.value_counts(values)})
    found.pop(IGNORED, None)
    return found


def _values(column: str, *paths: Path) -> Iterator[Any]:
    for path in paths:
        with pq.ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=ROWS_AT_ONCE, columns=[column]):
                yield pc.list_flatten(batch.column(column))
