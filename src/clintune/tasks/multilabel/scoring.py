"""Scores of several labels per text, for validation."""

from collections.abc import Iterable

from clintune.examples import Labels
from clintune.tasks.texts.counts import LabelCounts


def labels_scores(pairs: Iterable[tuple[Labels, Labels]]) -> dict[str, float]:
    """Micro and macro F1 over (gold, predicted) of many texts."""
    counts = LabelCounts()
    for gold, predicted in pairs:
        counts.add(gold, predicted)
    return {"micro_f1": counts.micro_f1, "macro_f1": counts.macro_f1}
