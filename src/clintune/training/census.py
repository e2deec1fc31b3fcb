"""What occurs in a file of windows, in one pass that keeps no text in memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from clintune.checkpoints import Outputs
from clintune.files import ROWS_AT_ONCE
from clintune.tasks.heads import HEADS
from clintune.tasks.items import Totals

PADDING = 0
"""The token that batching.pad fills up with: it is looked up in the table like any other."""


def tokens_in(*paths: Path, companions: int) -> list[set[int]]:
    """Every token that a batch of these windows can hold: of the base model, then of each companion."""
    found = [{PADDING} for _ in range(1 + companions)]
    for ids in _column("input_ids", *paths):
        found[0].update(pc.unique(pc.list_flatten(ids)).to_pylist())
    for read in _column("companions", *paths):
        for number in range(companions):
            ids = pc.struct_field(pc.list_element(read, number), "input_ids")
            found[1 + number].update(pc.unique(pc.list_flatten(ids)).to_pylist())
    return found


def label_totals(path: Path, outputs: Outputs) -> Totals:
    """How many items there are, and how many carry each label."""
    head, size = HEADS[outputs.task], len(outputs.labels)
    parts = [head.totals(labels, size) for labels in _column("labels", path)]
    each = zip(*(part.labels for part in parts), strict=True)
    return Totals(sum(part.items for part in parts), tuple(map(sum, each)))


def _column(name: str, *paths: Path) -> Iterator[Any]:
    for path in paths:
        with pq.ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=ROWS_AT_ONCE, columns=[name]):
                yield batch.column(name)
