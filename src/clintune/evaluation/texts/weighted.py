"""Scores of many resamples at once: each text counts as often as a resample drew it.

`weights` [resample, text] are whole numbers; a row of ones gives the score itself. What is not defined (no
text of a class, nothing to divide by) is nan.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def divided(above: Numbers, below: Numbers) -> Numbers:
    """The quotient, nan where the divisor is 0."""
    quotient = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient


def mean_defined(values: Numbers) -> Numbers:
    """The mean over the last axis of what is not nan; nan where all is."""
    defined = ~np.isnan(values)
    return divided(np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1).astype(np.float64))


@dataclass(frozen=True, slots=True)
class LabelTotals:
    """Texts where a label is correct, said and gold: each [resample, label]. Whole numbers, so exact."""

    correct: Numbers
    said: Numbers
    gold: Numbers

    @classmethod
    def of(cls, gold: Numbers, said: Numbers, weights: Numbers) -> "LabelTotals":
        """From 0 and 1 [text, label]."""
        return cls(weights @ (gold * said), weights @ said, weights @ gold)

    @property
    def precision(self) -> Numbers:
        """Correct of said."""
        return divided(self.correct, self.said)

    @property
    def recall(self) -> Numbers:
        """Correct of gold."""
        return divided(self.correct, self.gold)

    @property
    def f1(self) -> Numbers:
        """Twice the correct of said and gold together."""
        return divided(2 * self.correct, self.said + self.gold)

    @property
    def micro_f1(self) -> Numbers:
        """Over all labels together: [resample]."""
        return divided(2 * self.correct.sum(axis=1), (self.said + self.gold).sum(axis=1))


def matthews(totals: LabelTotals) -> Numbers:
    """Correlation of gold and said over all classes (Gorodkin 2004, R_K), 0 where one side never varies."""
    texts = totals.gold.sum(axis=1)
    above = totals.correct.sum(axis=1) * texts - (totals.said * totals.gold).sum(axis=1)
    varies = (texts**2 - (totals.said**2).sum(axis=1)) * (texts**2 - (totals.gold**2).sum(axis=1))
    return np.where(varies > 0, divided(above, np.sqrt(varies)), 0.0)


def auroc(gold: Numbers, scores: Numbers, weights: Numbers) -> Numbers:
    """The chance that a text with the label has the higher score; equal scores count half: [resample]."""
    positive, negative = _by_score(gold, scores, weights)
    below = negative.cumsum(axis=1) - negative
    above = (positive * (below + negative / 2)).sum(axis=1)
    return divided(above, positive.sum(axis=1) * negative.sum(axis=1))


def auprc(gold: Numbers, scores: Numbers, weights: Numbers) -> Numbers:
    """Average precision: the precision at each threshold, weighted by the recall that it adds: [resample]."""
    positive, negative = (one[:, ::-1] for one in _by_score(gold, scores, weights))
    found = positive.cumsum(axis=1)
    precision = np.nan_to_num(divided(found, found + negative.cumsum(axis=1)))
    return divided((positive * precision).sum(axis=1), positive.sum(axis=1))


def _by_score(gold: Numbers, scores: Numbers, weights: Numbers) -> tuple[Numbers, Numbers]:
    """How many texts have the label and how many not, at each score in ascending order [resample, score]."""
    order = np.argsort(scores, kind="stable")
    firsts = _firsts(scores[order])
    drawn, holds = weights[:, order], gold[order]
    with_label: Numbers = np.add.reduceat(drawn * holds, firsts, axis=1)
    without: Numbers = np.add.reduceat(drawn * (1 - holds), firsts, axis=1)
    return with_label, without


def _firsts(ordered: Numbers) -> NDArray[np.intp]:
    """Where each run of equal values begins."""
    return np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))


@dataclass(frozen=True, slots=True)
class Errors:
    """Scores of one target, each [resample], over texts whose value is known."""

    rmse: Numbers
    mae: Numbers
    r2: Numbers
    spearman: Numbers

    @classmethod
    def of(cls, gold: Numbers, said: Numbers, weights: Numbers) -> "Errors":
        """From values [text]; nan in `gold` where a value is not known."""
        known = ~np.isnan(gold)
        if not known.any():
            return cls(*(np.full(len(weights), np.nan) for _ in range(4)))
        gold, said, weights = gold[known], said[known], weights[:, known]
        texts, off = weights.sum(axis=1), said - gold
        squares = (weights * off**2).sum(axis=1)
        mean = divided((weights * gold).sum(axis=1), texts)[:, None]
        spread = (weights * (gold - mean) ** 2).sum(axis=1)
        return cls(
            rmse=np.sqrt(divided(squares, texts)),
            mae=divided((weights * np.abs(off)).sum(axis=1), texts),
            r2=1 - divided(squares, spread),
            spearman=_correlation(_ranks(gold, weights), _ranks(said, weights), weights),
        )


def _ranks(values: Numbers, weights: Numbers) -> Numbers:
    """The rank of each text in each resample [resample, text]; equal values share the mean of their ranks."""
    order = np.argsort(values, kind="stable")
    firsts = _firsts(values[order])
    sizes: Numbers = np.add.reduceat(weights[:, order], firsts, axis=1)
    ranks = sizes.cumsum(axis=1) - sizes + (sizes + 1) / 2
    run = np.repeat(np.arange(len(firsts)), np.diff([*firsts, len(values)]))
    place = np.empty(len(values), dtype=np.intp)
    place[order] = run
    return ranks[:, place]


def _correlation(one: Numbers, two: Numbers, weights: Numbers) -> Numbers:
    """Pearson's, weighted; nan where one side never varies."""
    texts = weights.sum(axis=1, keepdims=True)
    one, two = (side - (weights * side).sum(axis=1, keepdims=True) / texts for side in (one, two))
    both = (weights * one * two).sum(axis=1)
    return divided(both, np.sqrt((weights * one**2).sum(axis=1) * (weights * two**2).sum(axis=1)))
