"""Dropout whose masks are cheap to draw on a CPU: four elements from each random number of 64 bits."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_LEVELS = 1 << 16
"""A share is rounded to 1/65536, and is that at least: sixteen bits decide over one element."""


def keep_mask(shape: Sequence[int], share: float, like: Tensor) -> Tensor:
    """0 with probability `share`, else 1 / (1 - share), each element by itself; type and device of `like`.

    From torch's generator, so that one seed decides it and a saved state brings it back. Drawing element by
    element (bernoulli_) is serial on a CPU, and took 8 % of a training step.
    """
    dropped = max(1, round(share * _LEVELS))
    size = 1
    for length in shape:
        size *= length
    numbers = torch.empty(-(-size // 4), dtype=torch.int64, device=like.device).random_(-(2**63), None)
    drawn = numbers.view(torch.int16)[:size].view(*shape)
    lowest = dropped - _LEVELS // 2  # of those that stay
    # 1 from there on, else 0, by arithmetic in place: with a comparison a mask took 1.5 times as long.
    kept = drawn.clamp_(lowest - 1, lowest).sub_(lowest - 1)
    return kept.to(like.dtype).mul_(_LEVELS / (_LEVELS - dropped))


class Dropout(nn.Module):
    """Sets a share of the elements to 0 while training (Srivastava et al. 2014)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, states: Tensor) -> Tensor:
        """Any shape; the same out as in where nothing is trained."""
        if not self.training or not self.p:
            return states
        return states * keep_mask(states.shape, self.p, states)


def use_cheap_dropout(network: nn.Module) -> None:
    """Put `Dropout` in the place of each of torch's."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, Dropout(child.p))
