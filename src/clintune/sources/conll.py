"""CoNLL columns: a token and its tag on each line, a blank line between sentences.

The text of a sentence is its tokens joined by `conll.joiner`: the format keeps no white space. Tags are
`O`, or a prefix, `-` or `_`, and a label. A -DOCSTART- line begins a document, whose sentences share a
group. Schemes: IOB1 (Ramshaw & Marcus 1995), IOB2 (Tjong Kim Sang & Veenstra 1999), IOBES.
"""

import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

from clintune.errors import SourceError
from clintune.examples import Example, Record, Span, Spans
from clintune.params import Conll, Preprocess
from clintune.sources.corpus import CorpusFile, corpus_files
from clintune.sources.decoding import Line, no_record, read_lines

_TAG = re.compile(r"([BIES])[-_](\S+(?: \S+)*)")
_PREFIXES = {"iob1": "BI", "iob2": "BI", "iobes": "BIES"}
_SEPARATORS = {"space": " ", "tab": "\t"}


@dataclass(frozen=True, slots=True)
class _Row:
    token: str
    prefix: str
    label: str
    place: str


_OUTSIDE = _Row("", "O", "", "")


def read(corpus: Path, section: Preprocess) -> Generator[Record[Spans], None, None]:
    """Stream the sentences; the file's path without suffix and a running number is the id.

    Raises SourceError, also for tags that do not follow their scheme.
    """
    assert section.conll is not None  # params hold it where the format is conll
    for files in corpus_files(corpus):
        for file in files:
            yield from _records(file, section.conll)


def _records(file: CorpusFile, columns: Conll) -> Iterator[Record[Spans]]:
    stem = PurePosixPath(file.name).with_suffix("").as_posix()
    number = width = 0
    for number, (document, lines) in enumerate(_sentences(read_lines(file)), start=1):
        width = width or len(lines[0].text.split(_SEPARATORS[columns.separator]))
        rows = [_row(line, columns, width) for line in lines]
        spans = tuple(_spans(rows, columns))
        name = f"{stem}-{number}"
        group = f"{stem}-document-{document}" if document else name
        text = columns.joiner.join(row.token for row in rows)
        yield Record(Example(name, group, text, spans), place=rows[0].place, quoted=(None,) * len(spans))
    if not number:
        raise no_record(file)


def _sentences(lines: Iterable[Line]) -> Iterator[tuple[int, list[Line]]]:
    """The lines of a sentence, and the number of its document: 0 where the file does not mark any."""
    document, sentence = 0, list[Line]()
    for line in lines:
        begins_document = line.text.startswith("-DOCSTART-")
        if sentence and (begins_document or not line.text):
            yield document, sentence
            sentence = []
        if begins_document:
            document += 1
        elif line.text:
            sentence.append(line)
    if sentence:
        yield document, sentence


def _row(line: Line, columns: Conll, width: int) -> _Row:
    cells = line.text.split(_SEPARATORS[columns.separator])
    if len(cells) != width:
        problem = f"{len(cells)} columns, where the first line of the file has {width}"
        raise SourceError(line.place, problem, "mend the line, or set preprocess.conll.separator")
    if max(columns.token, columns.tag) >= width:
        problem = f"{width} columns, too few for preprocess.conll.token and tag (counted from 0)"
        raise SourceError(line.place, problem, "mend the line, or set these and conll.separator")
    token, tag = cells[columns.token], cells[columns.tag]
    if not token:
        raise SourceError(line.place, "no token in its column", "mend the line")
    if tag == "O":
        return _Row(token, "O", "", line.place)
    found = _TAG.fullmatch(tag)
    if not found or found[1] not in _PREFIXES[columns.scheme]:
        problem = f"no tag of scheme {columns.scheme} in column {columns.tag} (counted from 0)"
        raise SourceError(line.place, problem, "mend the tag, or set preprocess.conll")
    return _Row(token, found[1], found[2], line.place)


def _spans(rows: list[_Row], columns: Conll) -> Iterator[Span]:
    """The mentions that the tags say. Raises SourceError where the scheme forbids a tag at its place."""
    start = position = 0
    for (before, row), (_, after) in pairwise(pairwise([_OUTSIDE, *rows, _OUTSIDE])):
        if row.prefix != "O":
            if _begins(row, before, columns.scheme):
                start = position
            if _ends(row, after, columns.scheme):
                yield Span(start, position + len(row.token), row.label)
        position += len(row.token) + len(columns.joiner)


def _continues(row: _Row, before: _Row) -> bool:
    return row.prefix in "IE" and before.prefix in "BI" and row.label == before.label


def _begins(row: _Row, before: _Row, scheme: str) -> bool:
    if _continues(row, before):
        return False
    if row.prefix in "IE" and scheme != "iob1":
        problem = f"{row.prefix} continues no mention, which scheme {scheme} forbids"
        raise SourceError(row.place, problem, "mend the tag (scheme iob1 takes such an I for a beginning)")
    return True


def _ends(row: _Row, after: _Row, scheme: str) -> bool:
    ends = not _continues(after, row)
    if scheme == "iobes" and ends != (row.prefix in "ES"):
        raise SourceError(row.place, f"no E after {row.prefix}, which scheme iobes forbids", "mend the tags")
    return ends
