"""What is minimised in regression."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from clintune.tasks.texts.pooling import parted


def squared_error_sum(outputs: Tensor, labels: Tensor) -> Tensor:
    """Sum of squared errors over texts and known targets, in standard deviations of train, in fp32.

    [batch, target] and [batch, 1 + target], not a number where a target is not known.
    """
    weights, wanted = parted(labels)
    known = ~wanted.isnan()
    errors = outputs.float() - wanted.nan_to_num()
    return (weights * known * errors**2).sum()


def values_in(labels: NDArray[np.float64]) -> float:
    """How many known values the windows with these labels [batch, 1 + target] hold together."""
    known = ~np.isnan(labels[:, 1:])
    return float((labels[:, :1] * known).sum())
