"""Penalties on the size of the weights, apart from the optimizer's decoupled weight decay."""

from collections.abc import Iterable

import torch
from torch import Tensor

from clintune import params


def add_penalty(tensors: Iterable[Tensor], section: params.Penalty) -> float:
    """Add the gradient of l1 · Σ|w| + l2/2 · Σw² to each weight matrix that is trained; returns the value.

    Lasso (Tibshirani 1996) and ridge (Hoerl and Kennard 1970). Biases and normalisation weights are free, and
    so is what has no gradient. Through Adam an L2 penalty is scaled like any gradient; the decoupled decay of
    AdamW is not: that is the difference between `penalty.l2` and `optimizer.weight_decay`.
    """
    if not section.l1 and not section.l2:
        return 0.0
    value = 0.0
    with torch.no_grad():
        for tensor in tensors:
            if tensor.grad is None or tensor.ndim < 2:
                continue
            value += section.l1 * float(tensor.abs().sum()) + section.l2 / 2 * float(tensor.square().sum())
            tensor.grad.add_(tensor.sign(), alpha=section.l1).add_(tensor, alpha=section.l2)
    return value
