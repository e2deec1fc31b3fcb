"""What is minimised in classification."""

from torch import Tensor

from clintune.tasks.texts.pooling import parted


def cross_entropy_sum(logits: Tensor, labels: Tensor) -> Tensor:
    """Sum over texts of -log p(label). [batch, label] and [batch, 1 + label] to a number, in fp32."""
    weights, wanted = parted(labels)
    return -(weights * wanted * logits.float().log_softmax(dim=1)).sum()
