"""The head of each task: what sits on the encoder."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from torch import nn

from clintune.tasks.entities.head import TokenClassifier

Head: TypeAlias = Callable[[int, int, float], nn.Module]
"""From hidden size, number of outputs and dropout to the layers."""

HEADS: Mapping[str, Head] = {"entities": TokenClassifier}
