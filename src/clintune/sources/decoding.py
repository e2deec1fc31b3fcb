"""Bytes to text: UTF-8, nothing normalised; a line ends at LF or CR LF and nowhere else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from clintune.errors import SourceError
from clintune.sources.corpus import CorpusFile

_OFFSET = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end; `place` is `file:line`."""

    text: str
    place: str


def decode(content: bytes, place: str) -> str:
    """The text of UTF-8 bytes, a byte order mark and CR kept. Raises SourceError."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 (byte {error.start + 1}: {error.reason})"
        raise SourceError(place, problem, "save the file as UTF-8") from None


def read_lines(file: CorpusFile) -> Iterator[Line]:
    """Stream the lines of a file whose format is made of lines; its byte order mark is no part of them.

    U+0085, U+2028 and a lone CR are characters of a line, not its end. Raises SourceError.
    """
    for line in read_whole_lines(file):
        text = line.text
        yield Line(text[:-2] if text.endswith("\r\n") else text.removesuffix("\n"), line.place)


def read_whole_lines(file: CorpusFile) -> Iterator[Line]:
    """As read_lines, each with its end: for formats in which a field may hold one."""
    with file.path.open("rb") as stream:
        for number, content in enumerate(stream, start=1):
            place = f"{file.name}:{number}"
            text = decode(content, place)
            if "\0" in text:
                raise SourceError(place, "a NUL character", "restore the file: its format has none")
            yield Line(text.removeprefix("\ufeff") if number == 1 else text, place)


def read_text(file: CorpusFile) -> str:
    """The whole of a file that is one text; every byte counts, the byte order mark included."""
    content = file.path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return decode(content, f"{file.name}:{line}")


def parse_offset(digits: str, place: str) -> int:
    """A character offset, from 0. Raises SourceError for anything but one to nine decimal digits."""
    if not _OFFSET.fullmatch(digits):
        raise SourceError(place, "an offset is not a whole number from 0", "mend the line")
    return int(digits)


def no_record(file: CorpusFile) -> SourceError:
    """A file without any record was most likely cut off."""
    return SourceError(
        f"{file.name}:1", "the file holds no record", "restore it, or leave it out with ingest.include"
    )
