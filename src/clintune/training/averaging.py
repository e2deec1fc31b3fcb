"""A running mean of the weights over the steps, to validate and keep in place of the last weights."""

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor


class RunningMean:
    """After step t a mean is d · mean + (1 - d) · weight, where d = min(decay, (1 + t) / (10 + t)).

    What one batch pulls here and the next there averages out (Polyak and Juditsky 1992,
    doi:10.1137/0330046; Tarvainen and Valpola 2017, arXiv:1703.01780). The smaller d of the first steps lets
    the mean leave the start as fast as the weights do; it is that of TensorFlow's ExponentialMovingAverage.
    Of a weight that is not trained the mean is the weight.
    """

    def __init__(self, weights: Mapping[str, Tensor], decay: float) -> None:
        self._decay = decay
        self.tensors = {name: weight.detach().clone() for name, weight in weights.items()}

    @classmethod
    def over(cls, weights: Mapping[str, Tensor], decay: float | None) -> Self | None:
        """That of these weights; None where there is no decay."""
        return None if decay is None else cls(weights, decay)

    def update(self, weights: Mapping[str, Tensor], *, step: int) -> None:
        """Take the weights in after this step, counted from 1."""
        decay = min(self._decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, mean in self.tensors.items():
                mean.lerp_(weights[name], 1 - decay)

    def load(self, saved: Mapping[str, Tensor]) -> None:
        """Take these values for all tensors."""
        for name, mean in self.tensors.items():
            mean.copy_(saved[name])
