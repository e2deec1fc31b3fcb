"""The head and the loss of each task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from torch import Tensor, nn

from clintune.tasks.classification.head import cross_entropy_sum as label_cross_entropy_sum
from clintune.tasks.entities.head import TokenClassifier, cross_entropy_sum, tokens_in
from clintune.tasks.multilabel.head import binary_cross_entropy_sum, decisions_in
from clintune.tasks.regression.head import squared_error_sum, values_in
from clintune.tasks.texts.pooling import PooledLinear, texts_in


@dataclass(frozen=True, slots=True)
class Head:
    """`build(hidden, outputs, dropout)` makes the layers, from states and mask to outputs.

    `loss(outputs, labels)` is a sum over items, and `count(labels)` says over how many.
    """

    build: Callable[[int, int, float], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor]
    count: Callable[[NDArray[Any]], float]


HEADS: Mapping[str, Head] = {
    "entities": Head(TokenClassifier, cross_entropy_sum, tokens_in),
    "classification": Head(PooledLinear, label_cross_entropy_sum, texts_in),
    "multilabel": Head(PooledLinear, binary_cross_entropy_sum, decisions_in),
    "regression": Head(PooledLinear, squared_error_sum, values_in),
}
