"""How good predictions of each task are: the numbers that training validates with."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from clintune.examples import Target
from clintune.tasks.entities.scoring import strict_scores


@dataclass(frozen=True, slots=True)
class Scorer(Generic[Target]):
    """`score`: named numbers for pairs of (gold, predicted), the higher, the better."""

    score: Callable[[Iterable[tuple[Target, Target]]], dict[str, float]]


SCORERS: Mapping[str, Scorer[Any]] = {"entities": Scorer(strict_scores)}
