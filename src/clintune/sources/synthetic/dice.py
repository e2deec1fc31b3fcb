"""Draws that every Python makes alike: of `random`, only random() and its seeding are promised to stay."""

import random
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

Item = TypeVar("Item")


class Dice:
    """One stream of draws per name: `Dice(17, "patient", 3)` knows nothing of patient 2."""

    def __init__(self, *name: int | str) -> None:
        self._next = random.Random("/".join(map(str, name))).random

    def chance(self, share: float) -> bool:
        """True in `share` of the draws: never at 0, always at 1."""
        return self._next() < share

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._next() * (high - low + 1))

    def pick(self, items: Sequence[Item]) -> Item:
        """One of `items`, each as likely as the others."""
        return items[int(self._next() * len(items))]

    def weighted(self, weights: Sequence[int]) -> int:
        """A position in `weights`, as likely as its weight says; they are not all 0."""
        totals = list(accumulate(weights))
        return bisect_right(totals, self._next() * totals[-1])
