"""What sits on the encoder where a whole text gets one answer."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn


class PooledLinear(nn.Module):
    """The mean over real tokens, dropout, and one linear layer."""

    def __init__(self, hidden: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden, outputs)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """States [batch, seq, hidden] and mask [batch, seq] to [batch, output]."""
        outputs: Tensor = self.linear(self.dropout(masked_mean(states, mask)))
        return outputs


def masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Mean over real tokens: [batch, seq, hidden] to [batch, hidden]. A row of padding alone gives zeros."""
    real = mask.unsqueeze(-1).to(states.dtype)
    return (states * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)


def parted(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Labels [batch, 1 + output] into weights [batch, 1] and what is wanted [batch, output], in float32."""
    wide = labels.float()
    return wide[:, :1], wide[:, 1:]


def texts_in(labels: NDArray[np.float64]) -> float:
    """How many texts the windows with these labels [batch, 1 + output] are together."""
    return float(labels[:, 0].sum())
