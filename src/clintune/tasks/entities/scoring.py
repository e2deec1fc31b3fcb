"""Strict scores of entities: exact characters and label. Training chooses by them, reports lead with them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from clintune.examples import Spans


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items are `correct`, among how many `predicted` and how many in the `gold`.

    A ratio with nothing below the line is 0, as in conlleval and seqeval: precision without predictions,
    recall without gold, and F1 without either.
    """

    correct: int = 0
    predicted: int = 0
    gold: int = 0

    def __add__(self, other: Self) -> "Counts":
        return Counts(self.correct + other.correct, self.predicted + other.predicted, self.gold + other.gold)

    @property
    def precision(self) -> float:
        """Share of the predicted that is correct."""
        return self.correct / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of the gold that was found."""
        return self.correct / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, from the counts: one rounding instead of three."""
        items = self.predicted + self.gold
        return 2 * self.correct / items if items else 0.0


def strict(gold: Spans, predicted: Spans) -> Counts:
    """Counts of one document: a span is correct if start, end, gaps and label all agree.

    Each document is a set of spans. A gold span that the tags cannot say (nested, discontinuous) stays in
    the gold and so counts as missed.
    """
    wanted, said = frozenset(gold), frozenset(predicted)
    return Counts(len(wanted & said), len(said), len(wanted))


def strict_scores(pairs: Iterable[tuple[Spans, Spans]]) -> dict[str, float]:
    """Precision, recall and F1 over (gold, predicted) of many documents, micro-averaged: counts add up."""
    total = sum((strict(gold, predicted) for gold, predicted in pairs), Counts())
    return {"precision": total.precision, "recall": total.recall, "f1": total.f1}
