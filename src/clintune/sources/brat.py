"""brat standoff: a text (.txt) and beside it the mentions (.ann, or .a1 in the BioNLP shared tasks).

Offsets count every character of the text, a byte order mark included. Only T lines are read: events,
relations, attributes, notes and the whole of .a2 are passed over.
Format: https://brat.nlplab.org/standoff.html
"""

import re
from collections.abc import Generator
from itertools import groupby
from pathlib import Path, PurePosixPath

from clintune.errors import SourceError
from clintune.examples import Example, Record, Span, Spans
from clintune.params import Preprocess
from clintune.sources.corpus import CorpusFile, corpus_files
from clintune.sources.decoding import Line, parse_offset, read_lines, read_text

_MENTION = re.compile(r"T[^\t]*\t(\S+) ([0-9]+ [0-9]+(?:;[0-9]+ [0-9]+)*)\t(.*)", re.DOTALL)
_PASSED_OVER = tuple("EMRAN#*")
_LINE_BREAKS = ("\n", "\r\n")


def read(corpus: Path, _section: Preprocess) -> Generator[Record[Spans], None, None]:
    """Stream the documents; the path without its suffix is the id, and the group. Raises SourceError."""
    for files in corpus_files(corpus):
        by_document = sorted(files, key=lambda file: (_document_id(file), file.name))
        for document, parts in groupby(by_document, key=_document_id):
            suffixes = _by_suffix(list(parts))
            annotations = [suffixes[suffix] for suffix in (".ann", ".a1") if suffix in suffixes]
            if ".txt" in suffixes or annotations:
                yield _record(document, suffixes.get(".txt"), annotations)


def _by_suffix(parts: list[CorpusFile]) -> dict[str, CorpusFile]:
    """The files of a document. Windows writes .TXT and .ANN too."""
    suffixes = {PurePosixPath(file.name).suffix.lower(): file for file in parts}
    if len(suffixes) < len(parts):
        problem = "a file beside it has the same name but for upper and lower case"
        raise SourceError(f"{parts[0].name}:1", problem, "keep one of them, or rename it")
    return suffixes


def _document_id(file: CorpusFile) -> str:
    return PurePosixPath(file.name).with_suffix("").as_posix()


def _record(document: str, text_file: CorpusFile | None, annotations: list[CorpusFile]) -> Record[Spans]:
    if text_file is None:
        raise SourceError(f"{annotations[0].name}:1", "no .txt beside it", "add the text, or leave it out")
    if len(annotations) != 1:
        problem = "both .ann and .a1 beside it" if annotations else "neither .ann nor .a1 beside it"
        next_step = "keep exactly one (an empty one says: no mention), or leave the text out"
        raise SourceError(f"{text_file.name}:1", problem, next_step)
    text = read_text(text_file)
    mentions = [mention for line in read_lines(annotations[0]) if (mention := _mention(line, text))]
    return Record(
        Example(document, document, text, tuple(span for span, _ in mentions)),
        place=f"{text_file.name}:1",
        quoted=tuple(quoted for _, quoted in mentions),
    )


def _mention(line: Line, text: str) -> tuple[Span, str] | None:
    """The span and what the corpus says stands there; None for a line that holds no mention."""
    if not line.text.strip() or line.text.startswith(_PASSED_OVER):
        return None
    found = _MENTION.fullmatch(line.text)
    if not found:
        raise SourceError(line.place, "not a line of brat standoff", "mend the line")
    label, ranges, quoted = found.groups()
    offsets = [parse_offset(offset, line.place) for offset in re.split("[ ;]", ranges)]
    # brat cannot store a mention across a line break: it leaves the break out, as if it were a gap.
    gaps = zip(offsets[1:-1:2], offsets[2:-1:2], strict=True)
    gaps_in_lines = tuple(gap for gap in gaps if text[slice(*gap)] not in _LINE_BREAKS)
    return Span(offsets[0], offsets[-1], label, gaps_in_lines), quoted
