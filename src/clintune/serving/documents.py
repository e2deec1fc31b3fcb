"""Documents from outside: a text file, JSON lines, or JSON lines from standard input."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clintune.errors import DocumentError

STANDARD_INPUT = Path("-")
_LINE = 'write one {"id": "…", "text": "…"} per line'


@dataclass(frozen=True, slots=True)
class Document:
    """A text to predict on, under the id that its prediction will carry."""

    id: str
    text: str


def read_documents(path: Path) -> Iterator[Document]:
    """A .txt file is one document, its id the name of the file; a .jsonl file, or `-`, one per line.

    Texts stay as they are, line ends included. Raises DocumentError.
    """
    if path == STANDARD_INPUT:
        yield from _lines(sys.stdin.buffer, "standard input")
        return
    try:
        match path.suffix.lower():
            case ".txt":
                yield Document(path.stem, _decoded(path.read_bytes(), str(path)))
            case ".jsonl":
                with path.open("rb") as stream:
                    yield from _lines(stream, str(path))
            case _:
                raise DocumentError(str(path), "neither .txt nor .jsonl", "convert it to one of them")
    except OSError as error:
        raise DocumentError(str(path), f"cannot be read ({type(error).__name__})", "name a file") from None


def _lines(stream: Iterable[bytes], name: str) -> Iterator[Document]:
    """A byte order mark, with which Windows begins a file, is no part of the first line."""
    for number, line in enumerate(stream, start=1):
        place = f"{name}:{number}"
        text = _decoded(line, place)
        text = text.removeprefix("\ufeff") if number == 1 else text
        if text.strip():
            yield _document(_object(text, place), place)


def _decoded(content: bytes, place: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError(place, f"not UTF-8 (byte {error.start + 1})", "save it as UTF-8") from None


def _object(line: str, place: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        where = f" from column {error.colno} on" if isinstance(error, json.JSONDecodeError) else ""
        raise DocumentError(place, f"not JSON{where}", _LINE) from None


def _document(fields: Any, place: str) -> Document:
    if not isinstance(fields, dict):
        raise DocumentError(place, "not a JSON object", _LINE)
    for name in ("id", "text"):
        if not isinstance(fields.get(name), str):
            raise DocumentError(place, f"{name} is missing or not a text", _LINE)
    return checked_document(fields["id"], fields["text"], place)


def checked_document(document_id: str, text: str, place: str) -> Document:
    """A document of whole characters.

    Raises DocumentError for half a surrogate pair, which JSON can write.
    """
    try:
        (document_id + text).encode("utf-8")
    except UnicodeEncodeError:
        raise DocumentError(place, "half a surrogate pair, which is no character", "mend the text") from None
    return Document(document_id, text)
