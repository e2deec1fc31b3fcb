"""How good predictions of each task are: the numbers that training validates with."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from clintune.examples import Target
from clintune.tasks.classification.scoring import label_scores
from clintune.tasks.entities.scoring import strict_scores
from clintune.tasks.multilabel.scoring import labels_scores
from clintune.tasks.regression.scoring import value_scores


@dataclass(frozen=True, slots=True)
class Scorer(Generic[Target]):
    """`score`: named numbers for pairs of (gold, predicted); of those in `errors` lower ones are better."""

    score: Callable[[Iterable[tuple[Target, Target]]], dict[str, float]]
    errors: frozenset[str] = frozenset()


SCORERS: Mapping[str, Scorer[Any]] = {
    "entities": Scorer(strict_scores),
    "classification": Scorer(label_scores),
    "multilabel": Scorer(labels_scores),
    "regression": Scorer(value_scores, frozenset({"mae", "rmse"})),
}
