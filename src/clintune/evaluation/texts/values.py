"""Scores of numbers per text, in original units."""

import math
from collections.abc import Sequence

import numpy as np

from clintune.evaluation.texts.manners import Key, Manner, Measure
from clintune.evaluation.texts.weighted import Errors, Numbers, mean_defined
from clintune.examples import Values

_MEASURES = (
    Measure(
        "rmse", "RMSE", "root of the mean squared error, in original units: large errors weigh more", "low"
    ),
    Measure("mae", "MAE", "mean size of the error, in original units", "low"),
    Measure("r2", "R²", "1 at best; 0 for whoever always says the mean of test"),
    Measure("spearman", "Spearman", "correlation of ranks: 1 if the order is right"),
)


def _numbers(target: Values, _labels: Sequence[str]) -> list[float]:
    return [math.nan if value is None else value for value in target]


def _measured(
    gold: Numbers, said: Numbers, _scores: Numbers, weights: Numbers, labels: Sequence[str]
) -> dict[Key, Numbers]:
    errors = [Errors.of(*column, weights) for column in zip(gold.T, said.T, strict=True)]
    found: dict[Key, Numbers] = {
        ("target", label, measure.name): getattr(one, measure.name)
        for label, one in zip(labels, errors, strict=True)
        for measure in _MEASURES
    }
    for place, label in enumerate(labels):
        found["target", label, "known"] = weights @ (~np.isnan(gold[:, place])).astype(np.float64)
    for measure in _MEASURES:
        found[(measure.name,)] = mean_defined(
            np.stack([getattr(one, measure.name) for one in errors], axis=1)
        )
    return found


REGRESSION = Manner(
    row=_numbers,
    measure=_measured,
    measures=_MEASURES,
    part="target",
    part_measures=(*_MEASURES, Measure("known", "Texts", "with a known value", counts=True)),
    said_right=None,
)
