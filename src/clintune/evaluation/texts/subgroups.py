"""Which texts share a value of an attribute."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clintune.evaluation.bootstrap import FEWEST_GROUPS
from clintune.evaluation.texts.answers import Texts
from clintune.evaluation.texts.findings import FEWEST_TEXTS, OTHERS, Estimate, Subgroup
from clintune.evaluation.texts.manners import Key

MOST_VALUES = 100
"""An attribute with more values names no subgroups."""


@dataclass(frozen=True, slots=True)
class Members:
    """The texts of one subgroup."""

    attribute: str
    value: str
    chosen: NDArray[np.bool_]

    @property
    def name(self) -> str:
        """As a subject of resampling."""
        return f"subgroup/{self.attribute}/{self.value}"

    @property
    def enough(self) -> bool:
        """Whether there are texts enough to speak of a score."""
        return bool(self.chosen.sum() >= FEWEST_TEXTS)

    def groups(self, texts: Texts) -> int:
        """How many groups they come from."""
        return len(set(texts.groups[self.chosen]))

    def subgroup(self, texts: Texts, scores: Mapping[Key, Estimate]) -> Subgroup:
        """With its scores."""
        found = {key[0]: one for key, one in scores.items()}
        return Subgroup(int(self.chosen.sum()), self.groups(texts), found)


def members(texts: Texts, *, shareable: bool) -> list[Members]:
    """All subgroups, by attribute and value.

    Where records may not be shown, a value is named only where enough texts and groups have it; the others
    are one subgroup, OTHERS.
    """
    pairs = sorted({pair for one in texts.attributes for pair in one.items()})
    sizes = Counter(attribute for attribute, _ in pairs)
    every = [
        Members(attribute, value, np.array([one.get(attribute) == value for one in texts.attributes]))
        for attribute, value in pairs
        if sizes[attribute] <= MOST_VALUES
    ]
    return every if shareable else list(_pooled(every, texts))


def _pooled(every: list[Members], texts: Texts) -> Iterator[Members]:
    for attribute in sorted({one.attribute for one in every}):
        values = [one for one in every if one.attribute == attribute]
        common = [one for one in values if one.enough and one.groups(texts) >= FEWEST_GROUPS]
        rare = [one.chosen for one in values if one not in common]
        yield from common
        if rare:
            yield Members(attribute, OTHERS, np.logical_or.reduce(rare))
