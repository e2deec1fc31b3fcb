"""Scores of one label per text, for validation."""

from collections.abc import Iterable

from clintune.examples import Label
from clintune.tasks.texts.counts import LabelCounts


def label_scores(pairs: Iterable[tuple[Label, Label]]) -> dict[str, float]:
    """Accuracy and macro F1 over (gold, predicted) of many texts."""
    counts, correct, total = LabelCounts(), 0, 0
    for gold, predicted in pairs:
        counts.add((gold,), (predicted,))
        correct += gold == predicted
        total += 1
    return {"accuracy": correct / total if total else 0.0, "macro_f1": counts.macro_f1}
