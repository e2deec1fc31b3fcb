"""Precision, recall and F1 of labels from counts, as scikit-learn defines them (zero_division=0)."""

from collections.abc import Iterable, Set
from math import fsum


def f1_of(correct: int, predicted: int, gold: int) -> float:
    """F1 from counts; 0 without predictions and gold."""
    items = predicted + gold
    return 2 * correct / items if items else 0.0


class LabelCounts:
    """Counts per label of what is correct, predicted and gold, one text after the other."""

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}

    def add(self, gold: Iterable[str], predicted: Iterable[str]) -> None:
        """The labels of one text."""
        wanted, said = frozenset(gold), frozenset(predicted)
        for place, labels in enumerate((wanted & said, said, wanted)):
            self._add(place, labels)

    def _add(self, place: int, labels: Set[str]) -> None:
        for label in labels:
            self._counts.setdefault(label, [0, 0, 0])[place] += 1

    @property
    def micro_f1(self) -> float:
        """Over the counts of all labels together."""
        totals = [sum(column) for column in zip(*self._counts.values(), strict=True)]
        return f1_of(*totals) if totals else 0.0

    @property
    def macro_f1(self) -> float:
        """Mean over the labels of gold and predictions: a rare label weighs as much as a common one."""
        scores = [f1_of(*counts) for counts in self._counts.values()]
        return fsum(scores) / len(scores) if scores else 0.0
