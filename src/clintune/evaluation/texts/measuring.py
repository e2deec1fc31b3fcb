"""From gold, predictions and baselines to findings."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from clintune import params
from clintune.evaluation.bootstrap import interval
from clintune.evaluation.calibration import Confidence, Reliability
from clintune.evaluation.texts.answers import Answers, Texts
from clintune.evaluation.texts.ceilings import CEILINGS
from clintune.evaluation.texts.findings import Estimate, Findings, Shown, Subgroup
from clintune.evaluation.texts.manners import Manner
from clintune.evaluation.texts.resampling import Resampled, Subject, resample
from clintune.evaluation.texts.subgroups import Members, members

MODEL = "model"


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged: the model's answers on test, and those of the baselines; what train `taught`."""

    manner: Manner
    labels: tuple[str, ...]
    texts: Texts
    model: Answers
    baselines: Mapping[str, Answers]
    taught: frozenset[str]

    @property
    def one_label_each(self) -> bool:
        """Whether each text has one label, and is said to have one."""
        sums = self.model.gold.sum(axis=1), self.model.said.sum(axis=1)
        return self.manner.part == "label" and all(bool((one == 1).all()) for one in sums)


def measure(section: params.Evaluate, case: Case, shown: Iterable[Shown], *, seed: int) -> Findings:
    """All scores of a case, with intervals over the same resamples."""
    groups = members(case.texts, shareable=section.shareable)
    resampled = resample(
        _subjects(case, groups), case.texts, case.manner, case.labels, section=section, seed=seed
    )
    rivals = {
        name: resampled.estimates(_rival(name), case.manner, level=section.level) for name in case.baselines
    }
    return Findings(
        manner=case.manner,
        labels=case.labels,
        level=section.level,
        resamples=section.resamples,
        seed=seed,
        texts=len(case.texts.ids),
        groups=case.texts.group_count,
        scores=resampled.estimates(MODEL, case.manner, level=section.level),
        baselines=rivals,
        gains=_gains(case, resampled, section.level),
        ceiling=CEILINGS[case.manner.part](case.model.gold, case.texts.same),
        subgroups=_subgroups(case, groups, resampled, section.level),
        reliability=_reliability(case),
        confusion=_confusion(case),
        points=_points(case),
        untaught=tuple(label for label in case.labels if label not in case.taught),
        shareable=section.shareable,
        shown=tuple(shown),
    )


def _rival(baseline: str) -> str:
    return f"baseline/{baseline}"


def _subjects(case: Case, groups: Iterable[Members]) -> dict[str, Subject]:
    every = np.ones(len(case.texts.ids), dtype=np.bool_)
    return {
        MODEL: Subject(case.model, every, detailed=True),
        **{_rival(name): Subject(one, every, detailed=False) for name, one in case.baselines.items()},
        **{one.name: Subject(case.model, one.chosen, detailed=False) for one in groups if one.enough},
    }


def _subgroups(
    case: Case, groups: Iterable[Members], resampled: Resampled, level: float
) -> dict[str, dict[str, Subgroup]]:
    found: dict[str, dict[str, Subgroup]] = {}
    for one in groups:
        scores = resampled.estimates(one.name, case.manner, level=level) if one.enough else {}
        found.setdefault(one.attribute, {})[one.value] = one.subgroup(case.texts, scores)
    return found


def _gains(case: Case, resampled: Resampled, level: float) -> dict[str, Estimate]:
    """How much better the model's headline is than each baseline's, draw for draw."""
    key, sign = (case.manner.headline.name,), 1 if case.manner.headline.best == "high" else -1
    found = {}
    for name in case.baselines:
        ahead = sign * (resampled.values[MODEL][key] - resampled.values[_rival(name)][key])
        reach = None
        if MODEL in resampled.draws:
            apart = resampled.draws[MODEL][key] - resampled.draws[_rival(name)][key]
            reach = interval(sign * apart, level=level)
        if not np.isnan(ahead):
            found[name] = Estimate(ahead, reach)
    return found


def _reliability(case: Case) -> Reliability | None:
    if case.manner.said_right is None:
        return None
    confidence = Confidence()
    probabilities, right = case.manner.said_right(case.model.gold, case.model.said, case.model.scores)
    confidence.add(np.clip(probabilities, 0, 1).tolist(), (right == 1).tolist())
    return confidence.reliability()


def _confusion(case: Case) -> dict[tuple[str, str], int]:
    """How often each pair (gold, said) occurred."""
    if not case.one_label_each:
        return {}
    sides = (case.model.gold.argmax(axis=1).tolist(), case.model.said.argmax(axis=1).tolist())
    pairs = Counter(zip(*sides, strict=True))
    return {(case.labels[one], case.labels[two]): count for (one, two), count in sorted(pairs.items())}


def _points(case: Case) -> tuple[tuple[float, float], ...]:
    if case.manner.part != "target":
        return ()
    pairs = zip(case.model.gold[:, 0].tolist(), case.model.said[:, 0].tolist(), strict=True)
    return tuple(pair for pair in pairs if not np.isnan(pair[0]))
