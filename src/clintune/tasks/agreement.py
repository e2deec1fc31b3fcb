"""How far two predictions of one example lie apart, where targets are names and scores are numbers."""

import math
from typing import Any

from clintune.examples import Prediction


def scores_apart(one: Prediction[Any], two: Prediction[Any]) -> float:
    """The largest difference of a score, 0 without any; infinite where the targets differ."""
    if one.target != two.target:
        return math.inf
    return max((abs(a - b) for a, b in zip(one.scores, two.scores, strict=True)), default=0.0)
