"""States of several encoders brought together: aligned by characters, then made one."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn


def aligned(states: Tensor, firsts: Tensor, lasts: Tensor) -> Tensor:
    """The mean of the states first:last for each token of another encoder; zeros where there are none.

    States [batch, its seq, its dim], `firsts` and `lasts` [batch, seq], to [batch, seq, its dim].
    """
    places = torch.arange(states.shape[1], device=states.device)
    belongs = (places >= firsts.unsqueeze(-1)) & (places < lasts.unsqueeze(-1))
    counts = belongs.sum(dim=-1, keepdim=True).clamp(min=1)
    return torch.matmul(belongs.to(states.dtype), states) / counts.to(states.dtype)


class Fusion(nn.Module):
    """States [batch, seq, dim] of each encoder, the base model's first, into one [batch, seq, size]."""

    kind: ClassVar[str]

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size


class Concatenation(Fusion):
    """The states of all encoders side by side."""

    kind = "concatenation"

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__(sum(sizes))

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        """[batch, seq, dim] of each to [batch, seq, size]."""
        return torch.cat(list(states), dim=-1)


class Gate(Fusion):
    """Σ g_i · W_i x_i with g = softmax(V [x_0, x_1, …]), for each token by itself; W_0 is the identity.

    After the gated multimodal unit (Arevalo et al. 2017, arXiv:1702.01992). The states x_0 of the base model
    pass as they are, so that a gate that is open to them alone leaves the base model alone.
    """

    kind = "gate"

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__(sizes[0])
        self.projections = nn.ModuleList(nn.Linear(size, self.size) for size in sizes[1:])
        self.gate = nn.Linear(sum(sizes), len(sizes))

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        """[batch, seq, dim] of each to [batch, seq, size]."""
        shares = torch.softmax(self.gate(torch.cat(list(states), dim=-1)), dim=-1)
        fused = states[0] * shares[..., :1]
        for number, projection in enumerate(self.projections, start=1):
            fused = fused + projection(states[number]) * shares[..., number : number + 1]
        return fused


FUSIONS: Mapping[str, Callable[[Sequence[int]], Fusion]] = {"concatenation": Concatenation, "gate": Gate}
"""What `model.fusion` in params.yaml names."""
