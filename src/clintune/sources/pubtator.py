"""PubTator: title and abstract on a line each, then one line per mention.

Offsets count the title, one character and the abstract; here that character is the line's end. A mention
has 6 or 7 columns (the seventh lists the parts of a composite), a relation has 4 and is passed over.
"""

import re
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

from clintune.errors import SourceError
from clintune.examples import Example, Record, Span, Spans
from clintune.params import Preprocess
from clintune.sources.corpus import CorpusFile, corpus_files
from clintune.sources.decoding import Line, no_record, parse_offset, read_lines

_PASSAGE = re.compile(r"([^|\t]+)\|([ta])\|(.*)", re.DOTALL)
_MENTION, _RELATION = (6, 7), 4


def read(corpus: Path, _section: Preprocess) -> Generator[Record[Spans], None, None]:
    """Stream the documents; the document's id is also its group. Raises SourceError."""
    for files in corpus_files(corpus):
        for file in files:
            yield from _documents(file)


def _documents(file: CorpusFile) -> Iterator[Record[Spans]]:
    empty = True
    for block in _blocks(read_lines(file)):
        empty = False
        yield _document(block)
    if empty:
        raise no_record(file)


def _blocks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines of one document each: a blank line ends it, and so does the next title."""
    block: list[Line] = []
    for line in lines:
        blank, passage = not line.text.strip(), _PASSAGE.fullmatch(line.text)
        if block and (blank or (passage and passage[2] == "t")):
            yield block
            block = []
        if not blank:
            block.append(line)
    if block:
        yield block


def _document(block: list[Line]) -> Record[Spans]:
    place = block[0].place
    passages = [_PASSAGE.fullmatch(line.text) for line in block[:2]]
    match passages:
        case [re.Match() as title, re.Match() as abstract] if (title[2], abstract[2]) == ("t", "a"):
            pass
        case _:
            raise SourceError(
                place,
                "no title line (id|t|text) with an abstract line (id|a|text) after it",
                "mend the lines",
            )
    if title[1] != abstract[1]:
        raise SourceError(block[1].place, "the abstract has another id than the title", "mend the line")
    mentions = [mention for line in block[2:] if (mention := _mention(line, title[1]))]
    return Record(
        Example(title[1], title[1], f"{title[3]}\n{abstract[3]}", tuple(span for span, _ in mentions)),
        place=place,
        quoted=tuple(quoted for _, quoted in mentions),
    )


def _mention(line: Line, document: str) -> tuple[Span, str] | None:
    """The span and what the corpus says stands there; None for a relation."""
    columns = line.text.split("\t")
    if columns[0] != document:
        raise SourceError(line.place, "not a line of the document above", "mend the id, or leave a line free")
    # A mention that was cut off may have four columns too, but its second is an offset.
    if len(columns) == _RELATION and not columns[1].isdigit():
        return None
    if len(columns) not in _MENTION or not columns[4].strip():
        problem = f"{len(columns)} columns, where a mention has 6 or 7 and a relation 4"
        raise SourceError(line.place, problem, "mend the line")
    start, end = (parse_offset(column, line.place) for column in columns[1:3])
    return Span(start, end, columns[4]), columns[3]
