"""Which windows go together, and when: batches of similar length, in an order that the seed decides."""

from collections.abc import Iterator, Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryFile
from typing import Protocol, TypeAlias

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clintune.batching import similar_lengths
from clintune.examples import Window
from clintune.tables import WINDOW_SCHEMA, window_of

Step: TypeAlias = list[list[int]]
"""Batches, each the positions of its windows, whose gradients are added up."""

POOL = 64
"""Batches that are drawn together before sorting by length: more is faster, less is more random."""


class Windows(Protocol):
    """Windows by their positions, perhaps other ones in each epoch."""

    def take(self, positions: Sequence[int], epoch: int) -> list[Window]:
        """The windows at these positions, in this order."""


class MappedWindows:
    """Windows in a file of Arrow's, memory-mapped: training's memory does not grow with the corpus."""

    def __init__(self, table: pa.Table) -> None:
        # The table comes with a name of its own: else all of it is hashed for one.
        rows = datasets.Dataset(datasets.table.InMemoryTable(table), fingerprint="windows")
        self._rows = rows.with_format("python")

    def lengths(self) -> list[int]:
        """The width of each window."""
        rows = self._rows.with_format("arrow")
        widths = np.array(pc.list_value_length(rows["input_ids"][:]))
        first = 0
        for chunk in rows["companions"][:].iterchunks():
            inner = pc.list_value_length(pc.struct_field(pc.list_flatten(chunk), "input_ids"))
            np.maximum.at(widths, first + pc.list_parent_indices(chunk).to_numpy(), inner.to_numpy())
            first += len(chunk)
        found: list[int] = widths.tolist()
        return found

    def take(self, positions: Sequence[int], epoch: int) -> list[Window]:  # noqa: ARG002
        """The windows at these positions, in this order: the same in every epoch."""
        columns, names = self._rows[list(positions)], WINDOW_SCHEMA.names
        rows = zip(*(columns[name] for name in names), strict=True)
        return [window_of(dict(zip(names, row, strict=True))) for row in rows]


def mapped_windows(path: Path) -> MappedWindows:
    """The windows of a parquet file.

    They lie in a file without a name: however the process ends, nothing of them stays. The cache of datasets
    would stay, and it makes of its folder's path one name, which is too long for a deep folder.
    """
    with TemporaryFile() as unpacked:
        with pq.ParquetFile(path) as packed, pa.ipc.new_stream(unpacked, packed.schema_arrow) as stream:
            for rows in packed.iter_batches():
                stream.write_batch(rows)
        unpacked.flush()
        mapped = mmap(unpacked.fileno(), 0, access=ACCESS_READ)  # closed with the last buffer that lies in it
    return MappedWindows(pa.ipc.open_stream(pa.py_buffer(mapped)).read_all())


def steps(
    lengths: Sequence[int], *, batch_tokens: int, accumulation: int, seed: int, epoch: int
) -> list[Step]:
    """The steps of one epoch."""
    random = np.random.default_rng([seed, epoch])
    order: list[int] = random.permutation(len(lengths)).tolist()
    pooled = [batch for pool in _pools(order, lengths, batch_tokens) for batch in pool]
    shuffled = [pooled[index] for index in random.permutation(len(pooled))]
    return [shuffled[first : first + accumulation] for first in range(0, len(shuffled), accumulation)]


def _pools(order: Sequence[int], lengths: Sequence[int], batch_tokens: int) -> Iterator[Step]:
    """Consecutive parts of the order, each cut into batches of similar length."""
    size = max(1, POOL * batch_tokens * len(lengths) // max(1, sum(lengths)))
    for first in range(0, len(order), size):
        part = order[first : first + size]
        places = similar_lengths([lengths[index] for index in part], budget=batch_tokens)
        yield [[part[place] for place in batch] for batch in places]
