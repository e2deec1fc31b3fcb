"""The head of each task: what sits on the encoder, and how its outputs and labels lie."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from clintune.tasks.entities.head import TokenClassifier, owned_tokens, tag_totals
from clintune.tasks.items import Items, Totals
from clintune.tasks.texts.pooling import PooledLinear, chosen_labels, decisions, known_values, label_totals


@dataclass(frozen=True, slots=True)
class Head:
    """`build(hidden, outputs, dropout)` makes the layers, from states and mask to outputs.

    `items(labels)` are what a loss adds up over in a batch, and `totals(labels, outputs)` how much of train
    carries each label, from a column of some windows' labels and the number of outputs.
    """

    build: Callable[[int, int, float], nn.Module]
    items: Callable[[Tensor], Items]
    totals: Callable[[Any, int], Totals]


HEADS: Mapping[str, Head] = {
    "entities": Head(TokenClassifier, owned_tokens, tag_totals),
    "classification": Head(PooledLinear, chosen_labels, label_totals),
    "multilabel": Head(PooledLinear, decisions, label_totals),
    "regression": Head(PooledLinear, known_values, label_totals),
}
