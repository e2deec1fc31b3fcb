"""What each document adds to each score: three small numbers per score, no text."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from clintune.evaluation.bootstrap import GroupCounts
from clintune.evaluation.matching import Pair, pieces, place
from clintune.evaluation.mentions import Mention, mention
from clintune.examples import Example, Prediction, Span, Spans
from clintune.tasks.entities.scoring import Counts, strict

Slice: TypeAlias = tuple[str, ...]
"""Which score: ("strict",), ("label", "Disease"), ("subgroup", "sex", "F") …"""


@dataclass(frozen=True, slots=True)
class Judged:
    """One document: what the annotators marked, what the model said, and who was taken for whom."""

    example: Example[Spans]
    prediction: Prediction[Spans]
    pairs: tuple[Pair, ...]


def counts(document: Judged, known: Set[Mention]) -> Iterator[tuple[Slice, Counts]]:
    """What the document adds to each slice that it has anything in. `known`: the mentions of train."""
    gold, predicted = document.example.target, document.prediction.target
    whole = strict(gold, predicted)
    yield ("strict",), whole
    yield ("boundary",), _boundary(gold, predicted)
    yield ("relaxed",), _relaxed(document)
    yield ("characters",), _characters(gold, predicted)
    every = {*gold, *predicted}
    for label in sorted({span.label for span in every}):
        yield ("label", label), _strict_among(document, {span for span in every if span.label == label})
    seen = {span for span in every if mention(document.example.text, span) in known}
    yield ("seen",), _strict_among(document, seen)
    yield ("unseen",), _strict_among(document, every - seen)
    for attribute, value in sorted(document.example.attributes.items()):
        yield ("subgroup", attribute, value), whole


def _strict_among(document: Judged, spans: Set[Span]) -> Counts:
    gold, predicted = document.example.target, document.prediction.target
    return strict(
        tuple(span for span in gold if span in spans), tuple(span for span in predicted if span in spans)
    )


def _boundary(gold: Spans, predicted: Spans) -> Counts:
    """Places exactly right, whatever the label; `exact` in SemEval-2013 task 9.1."""
    same = Counter(map(place, gold)) & Counter(map(place, predicted))
    return Counts(same.total(), len(predicted), len(gold))


def _relaxed(document: Judged) -> Counts:
    """Spans paired with one of the same label that shares a character; `type` in SemEval-2013 task 9.1."""
    paired = sum(pair.kind in ("correct", "wrong_boundary") for pair in document.pairs)
    return Counts(paired, len(document.prediction.target), len(document.example.target))


def _characters(gold: Spans, predicted: Spans) -> Counts:
    """Every character counted by itself, once per label."""
    wanted, said = _labelled(gold), _labelled(predicted)
    return Counts(len(wanted & said), len(said), len(wanted))


def _labelled(spans: Iterable[Span]) -> set[tuple[str, int]]:
    return {
        (span.label, position)
        for span in spans
        for start, end in pieces(span)
        for position in range(start, end)
    }


class Tally:
    """Adds up documents; four integers for each document and slice are kept."""

    def __init__(self) -> None:
        self._groups: dict[str, int] = {}
        self._rows: dict[Slice, array[int]] = defaultdict(lambda: array("q"))

    def add(self, group: str, found: Iterable[tuple[Slice, Counts]]) -> None:
        """One document of `group`."""
        number = self._groups.setdefault(group, len(self._groups))
        for key, one in found:
            self._rows[key].extend((number, one.correct, one.predicted, one.gold))

    def attributes(self) -> list[str]:
        """The attributes that any document has, by name."""
        return sorted({key[1] for key in self._rows if key[0] == "subgroup"})

    def pool(self, slices: Iterable[Slice], into: Slice) -> None:
        """Count the documents of these slices in one slice instead; it may be among them, or exist."""
        for key in sorted(set(slices) - {into}):
            self._rows[into].extend(self._rows.pop(key))

    def leave_out(self, slices: Iterable[Slice]) -> None:
        """Forget what was counted in these slices."""
        for key in slices:
            del self._rows[key]

    @property
    def groups(self) -> int:
        """How many groups the documents came from."""
        return len(self._groups)

    def documents(self) -> dict[Slice, int]:
        """How many documents each slice has."""
        return {key: len(rows) // 4 for key, rows in sorted(self._rows.items())}

    def tables(self) -> dict[Slice, GroupCounts]:
        """Counts by group. Groups are numbered by name, so that the order of documents does not matter."""
        rank = np.empty(len(self._groups), dtype=np.int64)
        rank[[self._groups[name] for name in sorted(self._groups)]] = np.arange(len(self._groups))
        return {key: _by_group(rows, rank) for key, rows in sorted(self._rows.items())}


def _by_group(rows: "array[int]", rank: NDArray[np.int64]) -> GroupCounts:
    table = np.frombuffer(rows, dtype=np.int64).reshape(-1, 4)
    groups, where = np.unique(rank[table[:, 0]], return_inverse=True)
    sums = np.zeros((len(groups), 3), dtype=np.int64)
    np.add.at(sums, where, table[:, 1:])
    return GroupCounts(groups, sums)
