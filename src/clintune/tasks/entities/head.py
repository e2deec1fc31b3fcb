"""What sits on the encoder for entity recognition, and what is minimised."""

from typing import Any

from numpy.typing import NDArray
from torch import Tensor, nn

from clintune.examples import IGNORED


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


def cross_entropy_sum(logits: Tensor, labels: Tensor) -> Tensor:
    """Sum over owned tokens of -log p(label). [batch, seq, label] and [batch, seq] to a number, in fp32."""
    return nn.functional.cross_entropy(
        logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum"
    )


def tokens_in(labels: NDArray[Any]) -> int:
    """How many owned tokens have these labels [batch, seq]."""
    return int((labels != IGNORED).sum())
