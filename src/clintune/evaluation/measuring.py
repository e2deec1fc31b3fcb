"""From gold and predictions to scores: one pass over the documents, then the bootstrap."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

from clintune import params
from clintune.evaluation.bootstrap import FEWEST_GROUPS, GroupCounts, interval, ratios, resample
from clintune.evaluation.calibration import Confidence
from clintune.evaluation.counting import Judged, Slice, Tally, counts
from clintune.evaluation.errors import Errors
from clintune.evaluation.matching import pair
from clintune.evaluation.mentions import Mention
from clintune.evaluation.results import (
    FEWEST_MENTIONS,
    MEASURES,
    OTHERS,
    Evaluation,
    Macro,
    Score,
)
from clintune.examples import Example, Prediction, Spans
from clintune.tasks.entities.scoring import Counts


def measure(
    section: params.Evaluate,
    *,
    seed: int,
    examples: Iterable[Example[Spans]],
    predictions: Iterable[Prediction[Spans]],
    known: Set[Mention],
    inexpressible: Mapping[str, int],
) -> Evaluation:
    """Score `predictions` of `examples`, in the same order. `known`: the mentions of train."""
    tally, confidence = Tally(), Confidence()
    errors = Errors(seed=seed, shown=section.shown, shareable=section.shareable)
    for document in _judged(examples, predictions):
        tally.add(document.example.group, counts(document, known))
        gold = frozenset(document.example.target)
        confidence.add(document.prediction.scores, (span in gold for span in document.prediction.target))
        errors.add(document)
    attributes = tally.attributes()
    if not section.shareable:
        _hide_rare_values(tally, attributes)
    scored = _Scored.over(tally, section, seed)
    labels = scored.within("label")
    return Evaluation(
        level=section.level,
        resamples=section.resamples,
        seed=seed,
        scores={name: scored.score((name,)) for name in MEASURES},
        macro=scored.macro(),
        labels=labels,
        subgroups={attribute: scored.within("subgroup", attribute) for attribute in attributes},
        reliability=confidence.reliability(),
        kinds=errors.kinds,
        confusion=errors.confusion,
        inexpressible=inexpressible,
        untaught=_untaught(labels, known),
        shareable=section.shareable,
        shown=errors.shown(),
    )


def _judged(examples: Iterable[Example[Spans]], predictions: Iterable[Prediction[Spans]]) -> Iterator[Judged]:
    for example, prediction in zip(examples, predictions, strict=True):
        if example.id != prediction.id:
            raise ValueError(f"prediction of {prediction.id!r} where {example.id!r} is due")
        yield Judged(example, prediction, pair(example.target, prediction.target))


def _hide_rare_values(tally: Tally, attributes: Sequence[str]) -> None:
    """Leave the values that are common in test: one that few people carry may be a name or a birth date."""
    tables = tally.tables()
    for attribute in attributes:
        values = {key for key in tables if key[:2] == ("subgroup", attribute)}
        rare = {key for key in values if not _is_common(tables[key])}
        if rare == values:
            tally.leave_out(values)
        elif rare:
            tally.pool(rare, ("subgroup", attribute, OTHERS))


def _is_common(table: GroupCounts) -> bool:
    return len(table.groups) >= FEWEST_GROUPS and int(table.counts[:, 2].sum()) >= FEWEST_MENTIONS


def _untaught(labels: Mapping[str, Score], known: Set[Mention]) -> tuple[str, ...]:
    taught = {label for _, label in known}
    return tuple(label for label, score in labels.items() if score.counts.gold and label not in taught)


@dataclass(frozen=True, slots=True)
class _Scored:
    """Counts by group of each slice, and their resampled totals where an interval can be said."""

    tables: Mapping[Slice, GroupCounts]
    documents: Mapping[Slice, int]
    totals: Mapping[Slice, NDArray[np.float64]]
    level: float

    @classmethod
    def over(cls, tally: Tally, section: params.Evaluate, seed: int) -> "_Scored":
        tables, totals = tally.tables(), {}
        if tally.groups >= FEWEST_GROUPS:
            many = {key: table for key, table in tables.items() if key[0] == "label" or _in_many(table)}
            totals = resample(many, groups=tally.groups, resamples=section.resamples, seed=seed)
        return cls(tables, tally.documents(), totals, section.level)

    def score(self, key: Slice) -> Score:
        table = self.tables[key]
        correct, predicted, gold = map(int, table.counts.sum(axis=0))
        resampled = ratios(self.totals[key]) if key in self.totals and _in_many(table) else {}
        found = {ratio: interval(values, level=self.level) for ratio, values in resampled.items()}
        return Score(
            Counts(correct, predicted, gold),
            documents=self.documents[key],
            groups=len(table.groups),
            intervals={ratio: one for ratio, one in found.items() if one is not None},
        )

    def within(self, *prefix: str) -> dict[str, Score]:
        """Scores of the slices below `prefix`, by the last part of their names."""
        return {key[-1]: self.score(key) for key in self.tables if key[:-1] == prefix}

    def macro(self) -> Macro:
        """Over all labels. A resample without a label leaves that label out of its mean."""
        found = [score.counts for score in self.within("label").values()]
        resampled = [ratios(totals)["f1"] for key, totals in self.totals.items() if key[0] == "label"]
        return Macro(
            precision=_mean([one.precision for one in found]),
            recall=_mean([one.recall for one in found]),
            f1=_mean([one.f1 for one in found]),
            interval=interval(_mean_defined(np.stack(resampled)), level=self.level) if resampled else None,
        )


def _in_many(table: GroupCounts) -> bool:
    """Whether enough groups have anything to count."""
    return int(table.counts.any(axis=1).sum()) >= FEWEST_GROUPS


def _mean(values: list[float]) -> float:
    return fsum(values) / len(values) if values else 0.0


def _mean_defined(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each column [row, column] over what is not nan; nan where all is."""
    defined = ~np.isnan(rows)
    sums, sizes = np.where(defined, rows, 0.0).sum(axis=0), defined.sum(axis=0)
    means = np.full(sums.shape, np.nan)
    np.divide(sums, sizes, out=means, where=sizes > 0)
    return means
