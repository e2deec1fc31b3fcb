"""Where two files that should be the same begin to differ: tensor, row, key or byte. No text of a record."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError
from safetensors.numpy import load_file

from clintune.params import leaves


def contrast(one: Path, other: Path) -> str:
    """In words, for two files whose bytes are not the same; `one` may be an object of a cache.

    A file that is not what its name says, as one that was cut off, differs in bytes.
    """
    try:
        return _within(one, other)
    except (SafetensorError, pa.ArrowException, ValueError, OSError, RecursionError):
        return _bytes(one.read_bytes(), other.read_bytes())


def _within(one: Path, other: Path) -> str:
    match other.suffix:
        case ".safetensors":
            return _tensors(load_file(one), load_file(other))
        case ".parquet":
            return _rows(one, other)
        case ".json":
            return _keys(json.loads(one.read_bytes()), json.loads(other.read_bytes()))
        case _:
            return _bytes(one.read_bytes(), other.read_bytes())


def _tensors(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    if one.keys() != other.keys():
        return f"tensor {min(one.keys() ^ other.keys())} is in one of them only"
    for name in sorted(one):
        left, right = one[name], other[name]
        if left.shape != right.shape:
            return f"tensor {name} has another shape: {left.shape}, {right.shape}"
        if left.tobytes() != right.tobytes():
            apart = np.abs(left.astype(np.float64) - right.astype(np.float64))
            count = int(np.count_nonzero(left != right))
            return f"tensor {name}: {count} of {left.size} values, at most {apart.max():.3g} apart"
    return "the same tensors, written in another way"


def _rows(one: Path, other: Path) -> str:
    left, right = pq.read_table(one), pq.read_table(other)
    if left.num_rows != right.num_rows:
        return f"{left.num_rows} rows, {right.num_rows} rows"
    if left.schema != right.schema:
        return "other columns"
    for number, (row, again) in enumerate(zip(left.to_pylist(), right.to_pylist(), strict=True), start=1):
        columns = [name for name in row if row[name] != again[name]]
        if columns:
            return f"row {number}, column {columns[0]}"
    return "the same rows, written in another way"


def _keys(one: Any, other: Any) -> str:
    left, right = (dict(_leaves(tree)) for tree in (one, other))
    for key in sorted(left.keys() | right.keys()):
        if left.get(key) != right.get(key):
            values = [left.get(key), right.get(key)]
            shown = all(isinstance(value, int | float | None) for value in values)
            return f"key {key}: {values[0]}, {values[1]}" if shown else f"key {key}"
    return "the same values, written in another way"


def _leaves(tree: Any) -> Iterator[tuple[str, Any]]:
    yield from leaves(tree) if isinstance(tree, Mapping) else [("", tree)]


def _bytes(one: bytes, other: bytes) -> str:
    short = min(len(one), len(other))
    at = next((place for place in range(short) if one[place] != other[place]), short)
    return f"byte {at + 1} of {len(one)}"
