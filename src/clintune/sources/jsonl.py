"""JSON lines, the project's own format: one object per line, offsets in characters of its text.

    {"id": "n1", "group": "patient 7", "text": "…", "attributes": {"sex": "f"}, "split": "train",
     "spans": [{"start": 0, "end": 9, "label": "drug", "text": "…", "gaps": [[4, 5]]}]}

Required: id, group, text, spans; in a span start, end, label. `text` of a span is compared with the text;
a discontinuous mention names its gaps, and its pieces stand in `text` with a blank between. Further keys
are allowed and not read. JSON: RFC 8259; a key given twice, NaN and a lone surrogate are errors here.
"""

import json
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from clintune.errors import SourceError
from clintune.examples import SPLITS, Example, Record, Span, Spans, Split
from clintune.params import Preprocess
from clintune.sources.corpus import CorpusFile, corpus_files
from clintune.sources.decoding import Line, no_record, read_lines

Kind = TypeVar("Kind", str, int, list[Any], dict[str, Any])

_KINDS: Mapping[type, str] = {str: "a text", int: "a whole number", list: "a list", dict: "an object"}


def read(corpus: Path, _section: Preprocess) -> Generator[Record[Spans], None, None]:
    """Stream the records, one object per line. Raises SourceError."""
    for files in corpus_files(corpus):
        for file in files:
            yield from _records(file)


def _records(file: CorpusFile) -> Iterator[Record[Spans]]:
    empty = True
    for line in read_lines(file):
        if line.text.strip():
            empty = False
            yield _record(_object(line), line.place)
    if empty:
        raise no_record(file)


def _object(line: Line) -> dict[str, Any]:
    try:
        tree = json.loads(line.text, object_pairs_hook=_unique, parse_constant=_refuse)
        json.dumps(tree, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        raise SourceError(line.place, f"not JSON from column {error.colno} on", "mend the line") from None
    except UnicodeEncodeError:
        raise SourceError(line.place, "half a surrogate pair, which is no character", "mend it") from None
    except (ValueError, RecursionError) as error:
        raise SourceError(line.place, f"not JSON ({error})", "mend the line") from None
    if type(tree) is not dict:
        raise SourceError(line.place, "not a JSON object", "write one {…} per line")
    return tree


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        raise ValueError("a key stands twice")
    return tree


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not in JSON")


def _record(tree: dict[str, Any], place: str) -> Record[Spans]:
    spans = [_span(one, place) for one in _take(tree, "spans", list, place)]
    attributes = _take(tree, "attributes", dict, place) if "attributes" in tree else {}
    example = Example(
        id=_name(tree, "id", place),
        group=_name(tree, "group", place),
        text=_take(tree, "text", str, place),
        target=tuple(span for span, _ in spans),
        attributes={name: _take(attributes, name, str, place) for name in attributes},
    )
    quoted = tuple(said for _, said in spans)
    return Record(example, place, quoted, _split(tree, place) if "split" in tree else None)


def _span(tree: Any, place: str) -> tuple[Span, str | None]:
    if type(tree) is not dict:
        raise SourceError(place, "a span is not an object", "write {start, end, label}")
    start, end = (_take(tree, key, int, place) for key in ("start", "end"))
    gaps = tuple(_gap(gap, place) for gap in (_take(tree, "gaps", list, place) if "gaps" in tree else ()))
    said = _take(tree, "text", str, place) if "text" in tree else None
    return Span(start, end, _name(tree, "label", place), gaps), said


def _gap(pair: Any, place: str) -> tuple[int, int]:
    if type(pair) is list and [type(edge) for edge in pair] == [int, int]:
        return pair[0], pair[1]
    raise SourceError(place, "a gap is not a pair of whole numbers", "write [start, end]")


def _split(tree: dict[str, Any], place: str) -> Split:
    named = _take(tree, "split", str, place)
    for split in SPLITS:
        if split == named:
            return split
    raise SourceError(place, "split is none of train, validation, test", "mend it, or leave the key out")


def _name(tree: dict[str, Any], key: str, place: str) -> str:
    name = _take(tree, key, str, place)
    if not name.strip():
        raise SourceError(place, f"{key} is empty", "give it a name")
    return name


def _take(tree: dict[str, Any], key: str, kind: type[Kind], place: str) -> Kind:
    if key not in tree:
        raise SourceError(place, f"{key} is missing", "add it; see the format jsonl")
    value = tree[key]
    # Exactly this type: true is an int for Python, and no offset.
    if type(value) is not kind:
        raise SourceError(place, f"{key} is not {_KINDS[kind]}", "mend it")
    return value
