"""What sits on the encoder for entity recognition."""

from torch import Tensor, nn


class TokenClassifier(nn.Module):
    """Dropout and one linear layer on each token."""

    def __init__(self, hidden: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden, outputs)

    def forward(self, states: Tensor) -> Tensor:
        """States [batch, seq, hidden] to logits [batch, seq, label]."""
        logits: Tensor = self.linear(self.dropout(states))
        return logits
