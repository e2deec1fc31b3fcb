"""Which state of the weights is kept, and when it is time to stop."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from torch import Tensor

from clintune import params

Validate: TypeAlias = Callable[[], Mapping[str, float]]
"""Scores of the network by name, and its mean loss."""

LOSS = "loss"
"""The name of the mean loss on validation, beside the scores of the task."""


@dataclass(slots=True)
class Best:
    """The best validation so far: the highest score, or the lowest of one that is `falling`.

    `waited` counts validations in a row without a gain above `min_change`.
    """

    section: params.Stopping
    falling: bool
    score: float = math.nan
    step: int = 0
    waited: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    def consider(
        self, scores: Mapping[str, float], step: int, snapshot: Callable[[], dict[str, Tensor]]
    ) -> None:
        """Keep the weights if their score is a gain. The first validation always is one.

        With `restore: last` the weights are kept whatever the score; it still decides when to stop.
        """
        gained = self._gains(scores[self.section.metric])
        self.waited = 0 if gained else self.waited + 1
        if gained:
            self.score, self.step = scores[self.section.metric], step
        if gained or self.section.restore == "last":
            self.weights = snapshot()

    def _gains(self, score: float) -> bool:
        if not self.weights:
            return True
        gain = self.score - score if self.falling else score - self.score
        return gain > self.section.min_change

    @property
    def exhausted(self) -> bool:
        """Whether patience is at its end."""
        return self.waited >= self.section.patience
