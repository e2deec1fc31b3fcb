"""The predictions of two states on the same test split, found by their hashes, document by document."""

from io import BytesIO
from typing import Any

import pyarrow.parquet as pq

from clintune.evidence.changes.differing import EXAMPLES, digests
from clintune.evidence.changes.kept import Kept
from clintune.evidence.changes.pairing import MEASURES, Difference, pair
from clintune.evidence.changes.states import State

PREDICTIONS, TEST = "data/evaluation/predictions.parquet", f"{EXAMPLES}/test.parquet"


def paired(a: State, b: State, kept: Kept) -> Difference | str:
    """How far they are apart, or why that is not said."""
    was, now = digests(a, b, PREDICTIONS)
    if not was or not now:
        return "one of them has no predictions"
    if was == now:
        return "the predictions are the same, bit by bit: nothing is left to chance"
    gold = digests(a, b, TEST)
    if gold[0] != gold[1]:
        return "not on the same documents: the test splits differ"
    tasks = [side.params("preprocess").get("task") for side in (a, b)]
    if tasks[0] != tasks[1] or tasks[0] not in MEASURES:
        return "not of the same task"
    contents = [kept.find(a, TEST), kept.find(a, PREDICTIONS), kept.find(b, PREDICTIONS)]
    if None in contents:
        return "predictions or the test split are not kept: neither in the working tree nor in DVC's cache"
    params = a.params("evaluate")
    return _of_tables(str(tasks[0]), [_rows(one) for one in contents if one is not None],
                      level=params["evaluate"]["level"], seed=params["seed"])  # fmt: skip


def _rows(content: bytes) -> list[dict[str, Any]]:
    with pq.ParquetFile(BytesIO(content)) as table:
        columns = [name for name in ("id", "group", "target") if name in table.schema_arrow.names]
        rows: list[dict[str, Any]] = table.read(columns=columns).to_pylist()
    return rows


def _of_tables(task: str, tables: list[list[dict[str, Any]]], *, level: float, seed: int) -> Difference | str:
    gold, was, now = tables
    if len({tuple(row["id"] for row in table) for table in tables}) != 1:
        return "not on the same documents: the ids differ"
    measure = MEASURES[task]
    read = measure.target.unpack
    documents = (
        (one["group"], *(read(row["target"]) for row in (one, before, after)))
        for one, before, after in zip(gold, was, now, strict=True)
    )
    return pair(measure, documents, level=level, seed=seed)
