"""What is minimised in multi-label classification."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from clintune.tasks.texts.pooling import parted, texts_in


def binary_cross_entropy_sum(logits: Tensor, labels: Tensor) -> Tensor:
    """Sum over texts and labels of -log p(holds or not). [batch, label] and [batch, 1 + label], in fp32."""
    weights, wanted = parted(labels)
    losses = nn.functional.binary_cross_entropy_with_logits(logits.float(), wanted, reduction="none")
    return (weights * losses).sum()


def decisions_in(labels: NDArray[np.float64]) -> float:
    """Texts times labels, for labels [batch, 1 + label]."""
    return texts_in(labels) * float(labels.shape[1] - 1)
