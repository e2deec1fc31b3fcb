"""A passage of text with spans marked in it, nested and crossing ones too."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

from clintune.evaluation.matching import pieces
from clintune.examples import Span, Spans


@dataclass(frozen=True, slots=True)
class Mark:
    """A border of a span: `part` of `parts` runs of characters.

    `agreed`: both sides have this very span. `subject`: it is what the passage is shown for.
    """

    label: str
    part: int
    parts: int
    agreed: bool
    subject: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that `depth` spans cover, the spans that begin before it and those that end after it."""

    text: str
    depth: int
    agreed: bool
    opens: tuple[Mark, ...]
    closes: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    start: int
    end: int
    mark: Mark


def highlight(
    text: str, spans: Spans, *, start: int, end: int, agreed: Set[Span], subject: Span | None
) -> tuple[Piece, ...]:
    """text[start:end] in pieces, cut wherever one of `spans` begins or ends.

    The pieces joined are the passage. A span that crosses the passage's border has no mark on that side.
    """
    every = (run for span in spans for run in _runs(span, agreed=span in agreed, subject=span == subject))
    runs = [run for run in every if run.start < end and start < run.end]
    edges = {start, end} | {edge for run in runs for edge in (run.start, run.end) if start < edge < end}
    cuts = sorted(edges)
    return tuple(_piece(text, runs, first, last) for first, last in pairwise(cuts))


def _runs(span: Span, *, agreed: bool, subject: bool) -> list[_Run]:
    places = pieces(span)
    return [
        _Run(start, end, Mark(span.label, part, len(places), agreed, subject))
        for part, (start, end) in enumerate(places, start=1)
    ]


def _piece(text: str, runs: Sequence[_Run], start: int, end: int) -> Piece:
    over = [run for run in runs if run.start <= start and end <= run.end]
    outer_first = sorted((run for run in over if run.start == start), key=lambda run: -run.end)
    inner_first = sorted((run for run in over if run.end == end), key=lambda run: -run.start)
    return Piece(
        text=text[start:end],
        depth=len(over),
        agreed=all(run.mark.agreed for run in over),
        opens=tuple(run.mark for run in outer_first),
        closes=tuple(run.mark for run in inner_first),
    )
