"""How good predictions of each task are: the numbers that training validates with."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from clintune.examples import Target
from clintune.tasks.entities.scoring import strict_scores


@dataclass(frozen=True, slots=True)
class Scorer(Generic[Target]):
    """`score`: named numbers for pairs of (gold, predicted). The best model has the highest `headline`."""

    headline: str
    score: Callable[[Iterable[tuple[Target, Target]]], dict[str, float]]


SCORERS: Mapping[str, Scorer[Any]] = {"entities": Scorer("f1", strict_scores)}
