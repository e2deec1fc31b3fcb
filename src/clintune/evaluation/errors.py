"""What went wrong, by kind, and a sample of it that is small, fair and the same every time."""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from heapq import heappush, heappushpop
from itertools import chain, islice, zip_longest

from clintune.evaluation.counting import Judged
from clintune.evaluation.highlighting import Piece, highlight
from clintune.evaluation.matching import Kind, Pair
from clintune.examples import Span

KINDS: tuple[Kind, ...] = ("missed", "spurious", "wrong_boundary", "wrong_label", "wrong_both")

CONTEXT = 80
"""Characters shown on each side of an error."""

LONGEST = 400
"""Characters of a passage at most; the rest of a longer error is left out."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage as the annotators marked it and as the model did; `before`, `after`: there is more text."""

    gold: tuple[Piece, ...]
    predicted: tuple[Piece, ...]
    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class ShownError:
    """One error, and the passage where texts may be shown.

    `record` is its id; where texts may not be shown, its row in test, from 0.
    """

    record: str
    kind: Kind
    gold: Span | None
    predicted: Span | None
    passage: Passage | None


class Errors:
    """Counts every pair; keeps at most `shown` errors of each kind, drawn by a hash of seed and place."""

    def __init__(self, *, seed: int, shown: int, shareable: bool) -> None:
        self.kinds: Counter[Kind] = Counter()
        self.confusion: Counter[tuple[str | None, str | None]] = Counter()
        self._seed = seed
        self._shown = shown
        self._shareable = shareable
        self._row = -1
        self._drawn: dict[Kind, list[tuple[int, ShownError]]] = {kind: [] for kind in KINDS}

    def add(self, document: Judged) -> None:
        """One document: the next row of test."""
        self._row += 1
        for pair in document.pairs:
            self.kinds[pair.kind] += 1
            self.confusion[_label(pair.gold), _label(pair.predicted)] += 1
            if pair.kind != "correct" and self._shown:
                self._offer(document, pair)

    def shown(self) -> tuple[ShownError, ...]:
        """At most `shown` errors in the order of KINDS, as many of one kind as of another where they last."""
        drawn = [[error for _, error in sorted(self._drawn[kind], reverse=True)] for kind in KINDS]
        in_turn = (one for one in chain.from_iterable(zip_longest(*drawn)) if one is not None)
        return tuple(sorted(islice(in_turn, self._shown), key=lambda error: KINDS.index(error.kind)))

    def _offer(self, document: Judged, pair: Pair) -> None:
        heap = self._drawn[pair.kind]
        # The heap gives up its smallest: with negative numbers the lowest hashes stay.
        number = -_hash(f"{self._seed}\0{document.example.id}\0{pair}")
        if len(heap) < self._shown:
            heappush(heap, (number, self._error(document, pair)))
        elif number > heap[0][0]:
            heappushpop(heap, (number, self._error(document, pair)))

    def _error(self, document: Judged, pair: Pair) -> ShownError:
        record, passage = str(self._row), None
        if self._shareable:
            record, passage = document.example.id, _passage(document, pair)
        return ShownError(record, pair.kind, pair.gold, pair.predicted, passage)


def _label(span: Span | None) -> str | None:
    return None if span is None else span.label


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest())


def _passage(document: Judged, pair: Pair) -> Passage:
    text, gold, predicted = document.example.text, document.example.target, document.prediction.target
    spans = [span for span in (pair.gold, pair.predicted) if span is not None]
    start = _after_blank(text, max(0, min(span.start for span in spans) - CONTEXT))
    last = max(span.end for span in spans)
    end = _before_blank(text, last, min(len(text), last + CONTEXT, start + LONGEST))
    show = partial(highlight, text, start=start, end=end, agreed=frozenset(gold) & frozenset(predicted))
    return Passage(
        gold=show(gold, subject=pair.gold),
        predicted=show(predicted, subject=pair.predicted),
        before=start > 0,
        after=end < len(text),
    )


def _after_blank(text: str, start: int) -> int:
    """Where the next word begins, if soon: half words are hard to read."""
    blank = text.find(" ", start, start + CONTEXT // 4) if start else -1
    return start if blank < 0 else blank + 1


def _before_blank(text: str, last: int, end: int) -> int:
    """Where the word before `end` begins, if it is near and not before `last`."""
    blank = text.rfind(" ", max(last, end - CONTEXT // 4), end) if end < len(text) else -1
    return end if blank < 0 else blank
