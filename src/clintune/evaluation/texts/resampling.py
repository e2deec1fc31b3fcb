"""Scores and their intervals over draws of groups (see evaluation/bootstrap.py), all over the same draws."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clintune import params
from clintune.evaluation.bootstrap import FEWEST_GROUPS, draws, interval
from clintune.evaluation.texts.answers import Answers, Texts
from clintune.evaluation.texts.findings import Estimate
from clintune.evaluation.texts.manners import Key, Manner
from clintune.evaluation.texts.weighted import Numbers


@dataclass(frozen=True, slots=True)
class Subject:
    """What is scored: answers on the `chosen` texts, in full detail or over all labels only."""

    answers: Answers
    chosen: NDArray[np.bool_]
    detailed: bool

    def measure(self, manner: Manner, labels: tuple[str, ...], weights: Numbers) -> dict[Key, Numbers]:
        """Each score in each resample."""
        part = self.answers.only(self.chosen)
        found = manner.measure(part.gold, part.said, part.scores, weights[:, self.chosen], labels)
        return {key: values for key, values in found.items() if self.detailed or len(key) == 1}


@dataclass(frozen=True, slots=True)
class Resampled:
    """Each score of each subject: `values` itself, and in all `draws` where enough groups are drawn from."""

    values: Mapping[str, Mapping[Key, float]]
    draws: Mapping[str, Mapping[Key, Numbers]]

    def estimates(self, subject: str, manner: Manner, *, level: float) -> dict[Key, Estimate]:
        """Every defined score; counts have no intervals."""
        counts = {measure.name for measure in manner.part_measures if measure.counts}
        drawn = self.draws.get(subject, {})
        return {
            key: Estimate(
                value,
                interval(drawn[key], level=level) if key in drawn and key[-1] not in counts else None,
            )
            for key, value in self.values[subject].items()
            if not np.isnan(value)
        }


def weights(texts: Texts, *, resamples: int, seed: int) -> Iterator[Numbers]:
    """How often each text counts, [some resamples, text], until all resamples were given."""
    for times in draws(texts.group_count, resamples=resamples, seed=seed, wide=len(texts.ids)):
        yield times[:, texts.groups]


def resample(
    subjects: Mapping[str, Subject],
    texts: Texts,
    manner: Manner,
    labels: tuple[str, ...],
    *,
    section: params.Evaluate,
    seed: int,
) -> Resampled:
    """Score every subject, and those of at least FEWEST_GROUPS groups in every resample too."""
    once = np.ones((1, len(texts.ids)))
    values = {
        name: {key: float(value[0]) for key, value in one.measure(manner, labels, once).items()}
        for name, one in subjects.items()
    }
    many = [name for name, one in subjects.items() if len(set(texts.groups[one.chosen])) >= FEWEST_GROUPS]
    drawn: dict[str, dict[Key, list[Numbers]]] = {name: {key: [] for key in values[name]} for name in many}
    for drawn_texts in weights(texts, resamples=section.resamples, seed=seed) if many else ():
        for name in many:
            for key, some in subjects[name].measure(manner, labels, drawn_texts).items():
                drawn[name][key].append(some)
    joined = {name: {key: np.concatenate(one) for key, one in keys.items()} for name, keys in drawn.items()}
    return Resampled(values, joined)
