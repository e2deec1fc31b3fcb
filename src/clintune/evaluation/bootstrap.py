"""How much a score depends on the documents that happened to be in test.

Percentile bootstrap over groups (Efron and Tibshirani 1993, chapter 13; groups as clusters: Davison and
Hinkley 1997, section 3.8). Documents of one patient resemble each other: they are drawn together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Key = TypeVar("Key")
Ratio: TypeAlias = Literal["precision", "recall", "f1"]

FEWEST_GROUPS = 10
"""Below this many groups a bootstrap is far too narrow: no interval.

Where the data is not declared shareable, a value of an attribute that fewer carry is not named either."""

_CELLS_AT_ONCE = 2_000_000
"""How many numbers are held in memory: 16 MB."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`, both in [0, 1]."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """What was counted in each group where there was anything to count.

    `groups` [n] are numbers of groups, ascending; `counts` [n, 3] are items correct, predicted and gold.
    """

    groups: NDArray[np.int64]
    counts: NDArray[np.int64]


def draws(groups: int, *, resamples: int, seed: int, wide: int) -> Iterator[NDArray[np.float64]]:
    """How often each group is drawn with replacement, [some resamples, group], until all were given.

    At most so many at once that the caller can make `wide` numbers of each.
    """
    generator = np.random.default_rng(seed)
    at_once = max(1, _CELLS_AT_ONCE // max(1, wide))
    for first in range(0, resamples, at_once):
        drawn = generator.integers(groups, size=(min(at_once, resamples - first), groups))
        yield np.stack([np.bincount(draw, minlength=groups) for draw in drawn]).astype(np.float64)


def resample(
    tables: Mapping[Key, GroupCounts], *, groups: int, resamples: int, seed: int
) -> dict[Key, NDArray[np.float64]]:
    """Totals [resample, 3] of each table, all over the same draws of `groups` groups with replacement.

    The totals are whole numbers far below 2**53, so the matrix product is exact on any machine.
    """
    totals: dict[Key, list[NDArray[np.float64]]] = {key: [] for key in tables}
    for times in draws(groups, resamples=resamples, seed=seed, wide=groups):
        for key, table in tables.items():
            totals[key].append(times[:, table.groups] @ table.counts)
    return {key: np.concatenate(parts) for key, parts in totals.items()}


def ratios(totals: NDArray[np.float64]) -> dict[Ratio, NDArray[np.float64]]:
    """Precision, recall and F1 [resample] of totals [resample, 3]; nan where the divisor is 0."""
    correct, predicted, gold = totals.T
    return {
        "precision": _divide(correct, predicted),
        "recall": _divide(correct, gold),
        "f1": _divide(2 * correct, predicted + gold),
    }


def _divide(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    quotient = np.full(above.shape, np.nan)
    np.divide(above, below, out=quotient, where=below > 0)
    return quotient


def interval(values: NDArray[np.float64], *, level: float) -> Interval | None:
    """The middle share `level` of the values that are not nan; None where all are."""
    defined = values[~np.isnan(values)]
    if not defined.size:
        return None
    tail = (1 - level) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(float(low), float(high))
