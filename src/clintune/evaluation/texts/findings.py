"""What an evaluation of answers per text found, as numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

from clintune.evaluation.bootstrap import Interval
from clintune.evaluation.calibration import Reliability
from clintune.evaluation.texts.manners import Key, Manner

FEWEST_TEXTS = 20
"""Below this many texts one of them moves accuracy by 5 points or more: no score for a subgroup."""

OTHERS = "other values"
"""Stands for the rare values of an attribute where records may not be shown."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score, and its bootstrap interval where one can be said."""

    value: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Subgroup:
    """Texts whose attribute has one value; no scores where they are too few."""

    texts: int
    groups: int
    scores: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Shown:
    """One text where the model is wrong. `text` is None where texts may not be shown."""

    name: str
    gold: str
    said: str
    detail: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Findings:
    """All scores of one model on one test split, and of the baselines over the same resamples.

    `scores` has what is defined. `gains`: how far the model's headline is ahead of each baseline's.
    `ceiling`: the best value of a score for a model that sees nothing but the text, since equal texts carry
    different targets. `points` are pairs (gold, said) of the first target. `untaught`: labels that train
    never names.
    """

    manner: Manner
    labels: tuple[str, ...]
    level: float
    resamples: int
    seed: int
    texts: int
    groups: int
    scores: Mapping[Key, Estimate]
    baselines: Mapping[str, Mapping[Key, Estimate]]
    gains: Mapping[str, Estimate]
    ceiling: Mapping[str, float]
    subgroups: Mapping[str, Mapping[str, Subgroup]]
    reliability: Reliability | None
    confusion: Mapping[tuple[str, str], int]
    points: tuple[tuple[float, float], ...]
    untaught: tuple[str, ...]
    shareable: bool
    shown: tuple[Shown, ...]

    def part(self, label: str) -> dict[str, Estimate]:
        """The scores of one label or target, by name."""
        return {key[2]: one for key, one in self.scores.items() if key[:2] == (self.manner.part, label)}


def overall(scores: Mapping[Key, Estimate]) -> dict[str, Estimate]:
    """The scores over all labels, by name."""
    return {key[0]: one for key, one in scores.items() if len(key) == 1}
