"""What a loss adds up over: tokens, texts, decisions, values."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Items:
    """What is `wanted` of a model's outputs [item, output], and how much each item counts (0: not at all).

    Both are [item] where one of the outputs is right, else [item, output].
    """

    wanted: Tensor
    weights: Tensor


@dataclass(frozen=True, slots=True)
class Totals:
    """How many items train has, and how many of them carry each label."""

    items: float
    labels: tuple[float, ...]
