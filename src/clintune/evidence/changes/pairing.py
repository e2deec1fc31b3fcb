"""How far two models are apart on the same documents: each document beside itself.

Percentile bootstrap of the difference, and a randomization test that swaps both answers (Noreen 1989; Yeh
2000), over groups: documents of one patient are drawn, and swapped, together.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clintune.examples import Label, Labels, Spans, Values
from clintune.tables import LABEL, LABELS, SPANS, VALUES, TargetType
from clintune.tasks.entities.scoring import strict

RESAMPLES = 2000
FEWEST_GROUPS = 10
"""As for every interval of an evaluation."""

Numbers: TypeAlias = NDArray[np.float64]
Parts: TypeAlias = Sequence[tuple[float, float]]
"""What a document adds above and below the line of each ratio; a score is the mean of its ratios."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`score` of B less that of A, and where it lies in `level` of the draws from `seed`; `p` of two sides.

    `low`, `high` and `p` are None where there are too few groups to say.
    """

    score: str
    difference: float
    low: float | None
    high: float | None
    p: float | None
    level: float
    resamples: int
    seed: int
    groups: int
    documents: int


@dataclass(frozen=True, slots=True)
class Measure:
    """The score that answers of a task are compared by: its name, its targets, what a document adds."""

    score: str
    target: TargetType[Any]
    parts: Callable[[Any, Any], Parts]


def _spans(gold: Spans, said: Spans) -> Parts:
    one = strict(gold, said)
    return [(2 * one.correct, one.predicted + one.gold)]


def _label(gold: Label, said: Label) -> Parts:
    return [(float(gold == said), 1)]


def _labels(gold: Labels, said: Labels) -> Parts:
    return [(2 * len({*gold} & {*said}), len(gold) + len(said))]


def _values(gold: Values, said: Values) -> Parts:
    return [
        (0.0, 0.0) if one is None or other is None else (abs(one - other), 1.0)
        for one, other in zip(gold, said, strict=True)
    ]


MEASURES: Mapping[str, Measure] = {
    "entities": Measure("strict/f1", SPANS, _spans),
    "classification": Measure("accuracy", LABEL, _label),
    "multilabel": Measure("micro_f1", LABELS, _labels),
    "regression": Measure("mae", VALUES, _values),
}


def pair(
    measure: Measure, documents: Iterable[tuple[str, Any, Any, Any]], *, level: float, seed: int
) -> Difference:
    """`documents` are group, gold, and the answers of A and of B. Their order does not matter."""
    tables: dict[str, list[list[tuple[float, float]]]] = {}
    count = 0
    for group, gold, was, now in documents:
        count += 1
        for side, answer in zip(tables.setdefault(group, [[], []]), (was, now), strict=True):
            side.append(measure.parts(gold, answer))  # type: ignore[arg-type]
    sums = [[np.sum(side, axis=0) for side in tables[group]] for group in sorted(tables)]
    totals = np.array(sums, dtype=np.float64)
    return _difference(measure.score, totals, count, level=level, seed=seed)


def _difference(score: str, totals: Numbers, documents: int, *, level: float, seed: int) -> Difference:
    """`totals` [group, side, ratio, above or below the line]."""
    groups = len(totals)
    apart = float(_apart(totals.sum(axis=0)[None])[0])
    low = high = p = None
    if groups >= FEWEST_GROUPS:
        dice = np.random.default_rng(seed)
        drawn = np.concatenate(list(_drawn(totals, dice)))
        tail = (1 - level) / 2
        low, high = (round(float(end), 6) for end in np.nanquantile(drawn, [tail, 1 - tail]))
        p = round(_p(totals, apart, dice), 6)
    return Difference(score, round(apart, 6), low, high, p, level, RESAMPLES, seed, groups, documents)


def _apart(totals: Numbers) -> Numbers:
    """Scores of B less those of A, of totals [resample, side, ratio, above or below]."""
    above, below = totals[..., 0], totals[..., 1]
    ratios = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    values = ratios.mean(axis=-1)
    return np.asarray(values[:, 1] - values[:, 0])


def _drawn(totals: Numbers, dice: np.random.Generator) -> Iterator[Numbers]:
    groups = len(totals)
    for _ in range(RESAMPLES):
        times = np.bincount(dice.integers(groups, size=groups), minlength=groups)
        yield _apart(np.tensordot(times, totals, axes=1)[None])


def _p(totals: Numbers, apart: float, dice: np.random.Generator) -> float:
    """The share of swaps that are at least as far apart; what was seen counts as one of them."""
    half = (totals[:, 1] - totals[:, 0]) / 2
    middle = totals.sum(axis=(0, 1)) / 2
    signs = dice.choice([-1.0, 1.0], size=(RESAMPLES, len(totals)))
    moved = np.tensordot(signs, half, axes=1)
    swapped = _apart(np.stack([middle - moved, middle + moved], axis=1))
    return (1 + int((np.abs(swapped) >= abs(apart) - 1e-12).sum())) / (1 + RESAMPLES)
