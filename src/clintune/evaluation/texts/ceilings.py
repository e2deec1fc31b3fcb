"""The best score that is left where equal texts carry different targets: no model of the text can pass it."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from clintune.evaluation.texts.weighted import Numbers


def best_accuracy(gold: Numbers, same: NDArray[np.intp]) -> dict[str, float]:
    """Accuracy of whoever gives each text its most frequent target. `same` numbers equal texts alike.

    Empty where no two equal texts differ. With several labels per text: all of them right.
    """
    rows = np.unique(gold, axis=0, return_inverse=True)[1].ravel()
    counts = np.zeros((int(same.max()) + 1, int(rows.max()) + 1))
    np.add.at(counts, (same, rows), 1)
    right = float(counts.max(axis=1).sum()) / len(gold)
    return {"accuracy": right} if right < 1 else {}


def least_error(gold: Numbers, same: NDArray[np.intp]) -> dict[str, float]:
    """RMSE of whoever gives each text the mean of its values, mean over the targets. Empty where it is 0."""
    errors = []
    for values in gold.T:
        known = ~np.isnan(values)
        if known.any():
            groups, numbers = same[known], values[known]
            means = np.bincount(groups, numbers) / np.maximum(1, np.bincount(groups))
            errors.append(np.sqrt(((numbers - means[groups]) ** 2).mean()))
    floor = float(np.mean(errors)) if errors else 0.0
    # Rounding leaves a little where a value is its own mean.
    return {"rmse": floor} if floor > 1e-9 else {}


CEILINGS: Mapping[str, Callable[[Numbers, NDArray[np.intp]], dict[str, float]]] = {
    "label": best_accuracy,
    "target": least_error,
}
