"""Whether confidence means what it says: of spans said with 0.8, about 80 in 100 should be right."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Predicted spans with a score from `low` to `high`: how many, how many correct, and their mean score."""

    low: float
    high: float
    predicted: int
    correct: int
    confidence: float

    @property
    def accuracy(self) -> float:
        """Share of these spans that is exactly right."""
        return self.correct / self.predicted


@dataclass(frozen=True, slots=True)
class Reliability:
    """Scores of predicted spans against what was right, in bins that have any span.

    `ece`: expected calibration error, the mean distance between confidence and accuracy over the spans
    (Naeini et al. 2015; ten bins of equal width). `brier`: mean squared distance (Brier 1950). Both are 0
    at best, and 0 without predictions. Neither knows of mentions that were missed.
    """

    bins: tuple[Bin, ...]
    ece: float
    brier: float


class Confidence:
    """Gathers scores; nine bytes each. Sums are exactly rounded, so that the order does not matter."""

    def __init__(self) -> None:
        self._scores = array("d")
        self._correct = array("b")

    def add(self, scores: Iterable[float], correct: Iterable[bool]) -> None:
        """The spans of one document: how sure the model was, and whether it was right."""
        self._scores.extend(scores)
        self._correct.extend(correct)

    def reliability(self) -> Reliability:
        """Of everything added."""
        scores, correct = np.frombuffer(self._scores), np.frombuffer(self._correct, dtype=np.int8)
        numbers = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
        bins = tuple(
            _bin(int(number), scores[numbers == number], correct[numbers == number])
            for number in np.unique(numbers)
        )
        total = max(len(scores), 1)
        return Reliability(
            bins,
            ece=fsum(one.predicted * abs(one.accuracy - one.confidence) for one in bins) / total,
            brier=fsum((scores - correct) ** 2) / total,
        )


def _bin(number: int, scores: NDArray[np.float64], correct: NDArray[np.int8]) -> Bin:
    return Bin(
        low=number / BINS,
        high=(number + 1) / BINS,
        predicted=len(scores),
        correct=int(correct.sum(dtype=np.int64)),
        confidence=fsum(scores) / len(scores),
    )
