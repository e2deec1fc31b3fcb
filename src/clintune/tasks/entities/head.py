"""What sits on the encoder for entity recognition."""

from typing import Any

import pyarrow.compute as pc
from torch import Tensor, nn

from clintune.examples import IGNORED
from clintune.tasks.items import Items, Totals


class TokenClassifier(nn.Module):
    """Dropout and one linear layer on each token."""

    def __init__(self, hidden: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden, outputs)

    def forward(self, states: Tensor, _mask: Tensor) -> Tensor:
        """States [batch, seq, hidden] to logits [batch, seq, label]; each token by itself, padding too."""
        logits: Tensor = self.linear(self.dropout(states))
        return logits


def owned_tokens(labels: Tensor) -> Items:
    """Each token that its window owns counts once. Labels [batch, seq]."""
    wanted = labels.flatten()
    return Items(wanted.clamp(min=0).long(), (wanted != IGNORED).float())


def tag_totals(labels: Any, outputs: int) -> Totals:
    """How many owned tokens there are, and how many carry each tag."""
    counted = {
        one["values"].as_py(): one["counts"].as_py() for one in pc.value_counts(pc.list_flatten(labels))
    }
    each = tuple(float(counted.get(tag, 0)) for tag in range(outputs))
    return Totals(sum(each), each)
