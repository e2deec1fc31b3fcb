"""Who was taken for whom: gold and predicted spans of one document in pairs, exact ones first."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, TypeAlias

from clintune.examples import Span, Spans

Kind: TypeAlias = Literal["correct", "missed", "spurious", "wrong_boundary", "wrong_label", "wrong_both"]
Place: TypeAlias = tuple[int, int, tuple[tuple[int, int], ...]]


@dataclass(frozen=True, slots=True)
class Pair:
    """A gold span and what was said for it; None on the side where nothing was left."""

    gold: Span | None
    predicted: Span | None

    @property
    def kind(self) -> Kind:
        """What happened here."""
        if self.predicted is None:
            return "missed"
        if self.gold is None:
            return "spurious"
        same_label = self.gold.label == self.predicted.label
        if place(self.gold) == place(self.predicted):
            return "correct" if same_label else "wrong_label"
        return "wrong_boundary" if same_label else "wrong_both"


def place(span: Span) -> Place:
    """The span without its label."""
    return span.start, span.end, span.gaps


def pieces(span: Span) -> list[tuple[int, int]]:
    """The runs of characters that carry the label: one, or several around the gaps."""
    edges = [span.start, *(edge for gap in span.gaps for edge in gap), span.end]
    return list(zip(edges[::2], edges[1::2], strict=True))


def share_characters(one: Span, other: Span) -> bool:
    """Whether a character carries both."""
    return any(
        start < other_end and other_start < end
        for start, end in pieces(one)
        for other_start, other_end in pieces(other)
    )


def pair(gold: Spans, predicted: Spans) -> tuple[Pair, ...]:
    """Every span of both sides once, in the order of the text.

    One-to-one, in four rounds: equal spans; spans of one label that share a character; equal places with
    different labels; any others that share a character. The first two rounds together are the `type`
    measure of SemEval-2013 task 9.1 (nervaluate: `ent_type`), with each span used once at most.
    """
    left_gold, left_predicted = set(gold), set(predicted)
    pairs: list[Pair] = []
    for found in (_equal, _overlapping_by_label, _same_place, _overlapping):
        for wanted, said in found(sorted(left_gold), sorted(left_predicted)):
            pairs.append(Pair(wanted, said))
            left_gold.remove(wanted)
            left_predicted.remove(said)
    pairs += [Pair(span, None) for span in left_gold] + [Pair(None, span) for span in left_predicted]
    return tuple(sorted(pairs, key=_position))


def _position(one: Pair) -> tuple[Span, bool]:
    first = min(span for span in (one.gold, one.predicted) if span is not None)
    return first, one.gold is None


def _equal(gold: Sequence[Span], predicted: Sequence[Span]) -> Iterator[tuple[Span, Span]]:
    said = set(predicted)
    return ((span, span) for span in gold if span in said)


def _overlapping_by_label(gold: Sequence[Span], predicted: Sequence[Span]) -> Iterator[tuple[Span, Span]]:
    for label in sorted({span.label for span in gold}):
        yield from _overlapping(
            [span for span in gold if span.label == label],
            [span for span in predicted if span.label == label],
        )


def _same_place(gold: Sequence[Span], predicted: Sequence[Span]) -> Iterator[tuple[Span, Span]]:
    places: dict[Place, list[Span]] = defaultdict(list)
    for span in reversed(predicted):
        places[place(span)].append(span)
    return ((span, places[place(span)].pop()) for span in gold if places[place(span)])


def _overlapping(gold: Iterable[Span], predicted: Iterable[Span]) -> Iterator[tuple[Span, Span]]:
    """In the order of their ends, each span takes the free one of the other side that ends first.

    Where no span has gaps this makes as many pairs as can be made: all spans that overlap the one which
    ends first hold its last character, so the one among them that ends first has the fewest other choices.
    """
    line = [(span, True) for span in gold] + [(span, False) for span in predicted]
    line.sort(key=lambda one: (one[0].end, one[0].start, one))
    earliest_start = list(accumulate((span.start for span, _ in reversed(line)), min))[::-1]
    free = [True] * len(line)
    for index, (span, is_gold) in enumerate(line):
        for later in range(index + 1, len(line) if free[index] else 0):
            other, other_is_gold = line[later]
            if earliest_start[later] >= span.end:
                break
            if free[later] and is_gold != other_is_gold and share_characters(span, other):
                free[later] = False
                yield (span, other) if is_gold else (other, span)
                break
