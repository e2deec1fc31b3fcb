"""Where the model is most wrong, a few texts of it."""

from collections.abc import Mapping, Sequence

import numpy as np

from clintune.evaluation.texts.answers import Answers, Texts
from clintune.evaluation.texts.findings import Shown
from clintune.evaluation.texts.manners import Manner
from clintune.evaluation.texts.weighted import Numbers

LONGEST = 400
"""Characters of a text that are shown."""


def worst(answers: Answers, manner: Manner, count: int) -> list[int]:
    """Positions of the texts with the largest errors, at most `count`.

    Of numbers: farthest off, in standard deviations of test. Of labels: the largest distance of a probability
    from what is right, among texts with a wrong label.
    """
    if manner.part == "label":
        wrong = (answers.gold != answers.said).any(axis=1)
        sizes = np.where(wrong, np.abs(answers.scores - answers.gold).max(axis=1), 0.0)
    else:
        sizes = np.nan_to_num(np.abs(answers.said - answers.gold) / _spread(answers.gold)).max(axis=1)
    order = np.argsort(-sizes, kind="stable")[:count]
    return [int(place) for place in order if sizes[place] > 0]


def _spread(gold: Numbers) -> Numbers:
    """Standard deviation of each column [text, target] over what is known; 1 where that is 0."""
    known = ~np.isnan(gold)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, gold, 0.0).sum(axis=0) / count
    spread = np.sqrt(np.where(known, (gold - mean) ** 2, 0.0).sum(axis=0) / count)
    return np.where(spread > 0, spread, 1.0)


def shown(
    places: Sequence[int],
    texts: Texts,
    answers: Answers,
    labels: Sequence[str],
    manner: Manner,
    *,
    kept: Mapping[int, str],
) -> list[Shown]:
    """What to show of these texts: `kept` has their characters, or nothing where they may not be shown.

    Then the row in test, from 0, stands for the id, which may name a person.
    """
    say = _labelled if manner.part == "label" else _valued
    return [
        Shown(
            texts.ids[place] if place in kept else f"row {place} of test",
            *say(answers, place, labels),
            kept[place][:LONGEST] if place in kept else None,
        )
        for place in places
    ]


def _labelled(answers: Answers, place: int, labels: Sequence[str]) -> tuple[str, str, str]:
    def named(row: Sequence[float]) -> str:
        return ", ".join(label for label, one in zip(labels, row, strict=True) if one == 1) or "none"

    said = answers.said[place]
    sure = ", ".join(f"{one:.3f}" for one in answers.scores[place][said == 1])
    return named(answers.gold[place].tolist()), named(said.tolist()), sure


def _valued(answers: Answers, place: int, labels: Sequence[str]) -> tuple[str, str, str]:
    gold, said = answers.gold[place].tolist(), answers.said[place].tolist()
    known = [number for number, one in enumerate(gold) if not np.isnan(one)]

    def named(row: Sequence[float], form: str) -> str:
        names = [f"{labels[number]} " if len(labels) > 1 else "" for number in known]
        values = (format(row[number], form) for number in known)
        return ", ".join(name + value for name, value in zip(names, values, strict=True))

    off = [one - two for one, two in zip(said, gold, strict=True)]
    return named(gold, ".4g"), named(said, ".4g"), named(off, "+.4g")
