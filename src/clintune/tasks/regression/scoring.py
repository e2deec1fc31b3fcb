"""Scores of numbers, for validation."""

import math
from collections.abc import Iterable

from clintune.examples import Values


def value_scores(pairs: Iterable[tuple[Values, Values]]) -> dict[str, float]:
    """MAE and RMSE in original units over (gold, predicted) of many texts, the mean over the targets."""
    columns = [
        [(a, b) for a, b in column if a is not None and b is not None]
        for column in zip(*(zip(*pair, strict=True) for pair in pairs), strict=True)
    ]
    errors = [[abs(a - b) for a, b in column] for column in columns if column]
    return {
        "mae": _mean([_mean(one) for one in errors]),
        "rmse": _mean([math.sqrt(_mean([error**2 for error in one])) for one in errors]),
    }


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0
