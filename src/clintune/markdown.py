"""Markdown in which a text of somebody else means nothing but itself."""

import re
from collections.abc import Iterable, Sequence


def plain(text: object) -> str:
    """On one line, every character that means something escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$&!])", r"\\\1", " ".join(str(text).split()))


def unescaped(text: str) -> str:
    """Back from it, for a place that is no Markdown."""
    return re.sub(r"\\([\\`*_{}\[\]<>#|~$&!])", r"\1", text)


def quoted(text: str) -> str:
    """A person's words, apart from the program's; paragraphs stay."""
    return "\n".join(f"> {_line(line)}".rstrip() for line in text.strip().splitlines())


def _line(line: str) -> str:
    """No list, heading, rule or code block by what the line begins with."""
    return re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", plain(line))


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of plain texts, its columns but the first to the right where there are several."""
    lines = [[plain(cell) for cell in row] for row in (header, *rows)]
    rule = ["---", *("--:" if len(header) > 2 else "---" for _ in header[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (lines[0], rule, *lines[1:]))
