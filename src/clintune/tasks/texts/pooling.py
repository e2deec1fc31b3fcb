"""What sits on the encoder where a whole text gets one answer."""

from typing import Any

import numpy as np
from torch import Tensor, nn

from clintune.tasks.items import Items, Totals


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


def chosen_labels(labels: Tensor) -> Items:
    """Each text counts once, in parts where it has several windows; one label of it is right."""
    weights, wanted = parted(labels)
    return Items(wanted.argmax(dim=1), weights[:, 0])


def decisions(labels: Tensor) -> Items:
    """Each label of each text is a decision by itself."""
    weights, wanted = parted(labels)
    return Items(wanted, weights.expand_as(wanted))


def known_values(labels: Tensor) -> Items:
    """Each value that is known, in standard deviations of train; not a number stands for an unknown one."""
    weights, wanted = parted(labels)
    return Items(wanted.nan_to_num(), weights * ~wanted.isnan())


def label_totals(labels: Any, outputs: int) -> Totals:
    """How many texts there are, and how many carry each label, for windows with labels (weight, *wanted)."""
    rows = np.array(labels.to_pylist(), dtype=np.float64).reshape(-1, 1 + outputs)
    each = np.nansum(rows[:, :1] * rows[:, 1:], axis=0)
    return Totals(float(rows[:, 0].sum()), tuple(map(float, each)))
