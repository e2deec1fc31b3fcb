"""The head and the loss of each task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from clintune.tasks.entities.head import TokenClassifier, cross_entropy_sum


@dataclass(frozen=True, slots=True)
class Head:
    """`build(hidden, outputs, dropout)` makes the layers; `loss(logits, labels)` is a sum over labels."""

    build: Callable[[int, int, float], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor]


HEADS: Mapping[str, Head] = {"entities": Head(TokenClassifier, cross_entropy_sum)}
