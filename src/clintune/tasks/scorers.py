"""How good predictions of each task are: the numbers that training validates with."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal

from clintune.examples import Target
from clintune.tasks.classification.scoring import label_scores
from clintune.tasks.entities.scoring import strict_scores
from clintune.tasks.multilabel.scoring import labels_scores
from clintune.tasks.regression.scoring import value_scores


@dataclass(frozen=True, slots=True)
class Scorer(Generic[Target]):
    """`score`: named numbers for pairs of (gold, predicted), the `headline` last.

    The best model has the highest headline where `sign` is 1, the lowest where it is -1.
    """

    headline: str
    score: Callable[[Iterable[tuple[Target, Target]]], dict[str, float]]
    sign: Literal[1, -1] = 1

    def height(self, scores: Mapping[str, float]) -> float:
        """What is to be as high as can be."""
        return self.sign * scores[self.headline]


SCORERS: Mapping[str, Scorer[Any]] = {
    "entities": Scorer("f1", strict_scores),
    "classification": Scorer("macro_f1", label_scores),
    "multilabel": Scorer("macro_f1", labels_scores),
    "regression": Scorer("rmse", value_scores, sign=-1),
}
