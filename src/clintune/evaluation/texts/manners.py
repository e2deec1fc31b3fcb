"""How answers of each task on whole texts are measured: one module per task, one line each here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from clintune.evaluation.texts.weighted import Numbers

Key: TypeAlias = tuple[str, ...]
"""("accuracy",) over all texts; ("label", "Disease", "f1") for one label or target."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A score: its name in metrics.json, its title, and what it says. `best`: which end is good."""

    name: str
    title: str
    meaning: str
    best: Literal["high", "low"] = "high"
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Manner:
    """What differs between the tasks.

    `row(target, labels)` puts a target into numbers, one per label; `measure(gold, said, scores, weights,
    labels)` gives each score in each resample. The first of `measures` is the headline.
    """

    row: Callable[[Any, Sequence[str]], Sequence[float]]
    measure: Callable[[Numbers, Numbers, Numbers, Numbers, Sequence[str]], dict[Key, Numbers]]
    measures: tuple[Measure, ...]
    part: Literal["label", "target"]
    part_measures: tuple[Measure, ...]
    said_right: Callable[[Numbers, Numbers, Numbers], tuple[Numbers, Numbers]] | None

    @property
    def headline(self) -> Measure:
        """What models are compared by."""
        return self.measures[0]
