"""What an evaluation found, as numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from clintune.evaluation.bootstrap import Interval, Ratio
from clintune.evaluation.calibration import Reliability
from clintune.evaluation.errors import ShownError
from clintune.evaluation.matching import Kind
from clintune.tasks.entities.scoring import Counts

Measure: TypeAlias = Literal["strict", "boundary", "relaxed", "characters", "seen", "unseen"]
MEASURES: tuple[Measure, ...] = ("strict", "boundary", "relaxed", "characters", "seen", "unseen")

FEWEST_MENTIONS = 20
"""Below this many gold mentions one mention moves recall by more than 5 points: no score for a subgroup."""

OTHERS = "other values"
"""Stands for the values of an attribute that are not named."""


@dataclass(frozen=True, slots=True)
class Score:
    """Counts over `documents` from `groups`, with the bootstrap interval of each ratio that has one."""

    counts: Counts
    documents: int
    groups: int
    intervals: Mapping[Ratio, Interval]

    @property
    def enough(self) -> bool:
        """Whether there are gold mentions enough to speak of a score."""
        return self.counts.gold >= FEWEST_MENTIONS


@dataclass(frozen=True, slots=True)
class Macro:
    """Means over the labels of gold and predictions: a rare label weighs as much as a common one."""

    precision: float
    recall: float
    f1: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All scores of one model on one test split.

    `strict` is the headline. `seen` and `unseen`: mentions whose surface form carries the same label in
    train, and the others (after Tu and Lignos 2021; Taillé et al. 2020); predicted spans fall on either
    side by their own surface form, so that precision and F1 are defined too. `confusion` counts pairs
    (label of the annotators, label of the model), None where one side has nothing. `inexpressible`: gold
    spans that the tags cannot say, by reason. `untaught`: labels of test that train never names.
    `subgroups`: scores by attribute and value. Where the data is not `shareable`, OTHERS stands for all
    values that are not common, and an attribute without a common value has none.
    """

    level: float
    resamples: int
    seed: int
    scores: Mapping[Measure, Score]
    macro: Macro
    labels: Mapping[str, Score]
    subgroups: Mapping[str, Mapping[str, Score]]
    reliability: Reliability
    kinds: Mapping[Kind, int]
    confusion: Mapping[tuple[str | None, str | None], int]
    inexpressible: Mapping[str, int]
    untaught: tuple[str, ...]
    shareable: bool
    shown: tuple[ShownError, ...]

    @property
    def strict(self) -> Score:
        """The headline."""
        return self.scores["strict"]
