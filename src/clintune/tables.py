"""Examples, windows and predictions as parquet files: one schema each, streamed both ways."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic

import pyarrow as pa

from clintune.examples import (
    Companion,
    Example,
    Label,
    Labels,
    Prediction,
    Span,
    Spans,
    Target,
    Values,
    Window,
)
from clintune.files import read_table, table_writer, write_table


@dataclass(frozen=True, slots=True)
class TargetType(Generic[Target]):
    """How the target of a task lies in a column."""

    arrow: pa.DataType
    pack: Callable[[Target], Any]
    unpack: Callable[[Any], Target]


def _pack_spans(spans: Spans) -> list[dict[str, Any]]:
    return [
        asdict(span) | {"gaps": [{"start": start, "end": end} for start, end in span.gaps]} for span in spans
    ]


def _unpack_spans(column: list[dict[str, Any]]) -> Spans:
    return tuple(
        Span(one["start"], one["end"], one["label"], tuple((gap["start"], gap["end"]) for gap in one["gaps"]))
        for one in column
    )


_RANGE = [("start", pa.int32()), ("end", pa.int32())]
SPANS: TargetType[Spans] = TargetType(
    arrow=pa.list_(pa.struct([*_RANGE, ("label", pa.string()), ("gaps", pa.list_(pa.struct(_RANGE)))])),
    pack=_pack_spans,
    unpack=_unpack_spans,
)

LABEL: TargetType[Label] = TargetType(arrow=pa.string(), pack=str, unpack=str)
LABELS: TargetType[Labels] = TargetType(arrow=pa.list_(pa.string()), pack=list, unpack=tuple)
VALUES: TargetType[Values] = TargetType(arrow=pa.list_(pa.float64()), pack=list, unpack=tuple)


@contextmanager
def examples_writer(path: Path, target: TargetType[Target]) -> Iterator[Callable[[Example[Target]], None]]:
    """A function that appends an example to a parquet file, for who fills several files in one pass."""
    schema = pa.schema([
        ("id", pa.string()), ("group", pa.string()), ("text", pa.string()), ("target", target.arrow),
        ("attributes", pa.map_(pa.string(), pa.string())),
    ])  # fmt: skip
    with table_writer(path, schema) as append:
        yield lambda one: append({
            "id": one.id, "group": one.group, "text": one.text, "target": target.pack(one.target),
            "attributes": sorted(one.attributes.items()),
        })  # fmt: skip


def write_examples(path: Path, examples: Iterable[Example[Target]], target: TargetType[Target]) -> int:
    """Stream examples into parquet; returns how many."""
    count = 0
    with examples_writer(path, target) as append:
        for count, example in enumerate(examples, start=1):  # noqa: B007
            append(example)
    return count


def read_examples(path: Path, target: TargetType[Target]) -> Iterator[Example[Target]]:
    """Stream what write_examples wrote."""
    return read_table(path, lambda row: Example(
        row["id"], row["group"], row["text"], target.unpack(row["target"]), dict(row["attributes"]),
    ))  # fmt: skip


def read_texts(path: Path) -> Iterator[tuple[str, str]]:
    """Group and text alone of what write_examples wrote, whatever the task."""
    return read_table(path, lambda row: (row["group"], row["text"]), columns=["group", "text"])


_NUMBERS = pa.list_(pa.int32())
_COMPANION = pa.struct([("input_ids", _NUMBERS), ("firsts", _NUMBERS), ("lasts", _NUMBERS)])
WINDOW_SCHEMA = pa.schema([
    ("example_id", pa.string()),
    ("input_ids", _NUMBERS),
    ("starts", _NUMBERS),
    ("ends", _NUMBERS),
    ("owned", pa.list_(pa.bool_())),
    ("heads", pa.list_(pa.bool_())),
    ("labels", _NUMBERS),
    ("companions", pa.list_(_COMPANION)),
])  # fmt: skip


def write_windows(path: Path, windows: Iterable[Window], labels: pa.DataType) -> int:
    """Stream windows into parquet, in the order of their examples; returns how many.

    `labels` is the type of one label: a whole number, or float32.
    """
    place = WINDOW_SCHEMA.get_field_index("labels")
    return write_table(
        path, map(_row, windows), WINDOW_SCHEMA.set(place, pa.field("labels", pa.list_(labels)))
    )


def _row(window: Window) -> dict[str, Any]:
    """What window_of reads; dataclasses.asdict would copy each number by itself."""
    companions = [_fields(one, _COMPANION.names) for one in window.companions]
    return {**_fields(window, WINDOW_SCHEMA.names[:-1]), "companions": companions}


def _fields(one: Window | Companion, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(one, name) for name in names}


def read_windows(path: Path) -> Iterator[Window]:
    """Stream what write_windows wrote."""
    return read_table(path, window_of)


def window_of(row: Mapping[str, Any]) -> Window:
    """The window of a row."""
    companions = tuple(Companion(**_tuples(one, _COMPANION.names)) for one in row["companions"])
    lists = _tuples(row, WINDOW_SCHEMA.names[1:-1])
    return Window(example_id=row["example_id"], **lists, companions=companions)


def _tuples(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: tuple(row[name]) for name in names}


def write_predictions(
    path: Path, predictions: Iterable[Prediction[Target]], target: TargetType[Target]
) -> int:
    """Stream predictions into parquet; returns how many."""
    schema = pa.schema([("id", pa.string()), ("target", target.arrow), ("scores", pa.list_(pa.float32()))])
    rows = (
        {"id": one.id, "target": target.pack(one.target), "scores": list(one.scores)} for one in predictions
    )
    return write_table(path, rows, schema)


def read_predictions(path: Path, target: TargetType[Target]) -> Iterator[Prediction[Target]]:
    """Stream what write_predictions wrote."""
    return read_table(
        path, lambda row: Prediction(row["id"], target.unpack(row["target"]), tuple(row["scores"]))
    )
