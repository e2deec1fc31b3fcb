"""Scores of one label, or of several, per text."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from clintune.evaluation.texts.manners import Key, Manner, Measure
from clintune.evaluation.texts.weighted import (
    LabelTotals,
    Numbers,
    auprc,
    auroc,
    divided,
    matthews,
    mean_defined,
)  # fmt: skip
from clintune.examples import Label, Labels

_MACRO = Measure(
    "macro_f1", "Macro F1", "the mean of the F1 of each label: a rare one weighs as much as a common one"
)
_RANKING = (
    Measure(
        "auroc",
        "AUROC",
        "the chance that a text with the label gets the higher probability; mean over labels",
    ),
    Measure("auprc", "AUPRC", "average precision; mean over labels"),
)
_OF_A_LABEL = (
    Measure("f1", "F1", "harmonic mean of precision and recall"),
    Measure("precision", "Precision", "how many of the texts said to have it do"),
    Measure("recall", "Recall", "how many of the texts that have it are found"),
    Measure("auroc", "AUROC", "the chance that a text with the label gets the higher probability"),
    Measure("auprc", "AUPRC", "average precision"),
    Measure("gold", "Annotated", "texts that have it", counts=True),
    Measure("said", "Said", "texts said to have it", counts=True),
    Measure("correct", "Correct", "both", counts=True),
)


def _one(target: Label, labels: Sequence[str]) -> list[float]:
    return [float(label == target) for label in labels]


def _several(target: Labels, labels: Sequence[str]) -> list[float]:
    return [float(label in target) for label in labels]


def _measured(
    gold: Numbers, said: Numbers, scores: Numbers, weights: Numbers, labels: Sequence[str]
) -> tuple[LabelTotals, dict[Key, Numbers]]:
    """What both tasks have."""
    totals = LabelTotals.of(gold, said, weights)
    ranked = {
        "auroc": np.stack([auroc(*column, weights) for column in zip(gold.T, scores.T, strict=True)], axis=1),
        "auprc": np.stack([auprc(*column, weights) for column in zip(gold.T, scores.T, strict=True)], axis=1),
    }
    found: dict[Key, Numbers] = {
        ("macro_f1",): mean_defined(totals.f1),
        ("micro_f1",): totals.micro_f1,
        **{(name,): mean_defined(values) for name, values in ranked.items()},
    }
    parts = {"f1": totals.f1, "precision": totals.precision, "recall": totals.recall, **ranked,
             "gold": totals.gold, "said": totals.said, "correct": totals.correct}  # fmt: skip
    for place, label in enumerate(labels):
        found |= {("label", label, name): values[:, place] for name, values in parts.items()}
    return totals, found


def _classification(
    gold: Numbers, said: Numbers, scores: Numbers, weights: Numbers, labels: Sequence[str]
) -> dict[Key, Numbers]:
    totals, found = _measured(gold, said, scores, weights, labels)
    accuracy = divided(totals.correct.sum(axis=1), weights.sum(axis=1))
    return found | {("accuracy",): accuracy, ("mcc",): matthews(totals)}


def _multilabel(
    gold: Numbers, said: Numbers, scores: Numbers, weights: Numbers, labels: Sequence[str]
) -> dict[Key, Numbers]:
    _, found = _measured(gold, said, scores, weights, labels)
    exact = (gold == said).all(axis=1).astype(np.float64)
    return found | {("exact",): divided(weights @ exact, weights.sum(axis=1))}


def _of_the_text(gold: Numbers, said: Numbers, scores: Numbers) -> tuple[Numbers, Numbers]:
    """The probability of what is said of each text, and whether it is right."""
    return (scores * said).sum(axis=1), (gold * said).sum(axis=1)


def _of_each_label(gold: Numbers, said: Numbers, scores: Numbers) -> tuple[Numbers, Numbers]:
    """The probability of each label that is said, and whether it holds."""
    spoken = said == 1
    return scores[spoken], gold[spoken]


_OF_LABELS = partial(Manner, part="label", part_measures=_OF_A_LABEL)

CLASSIFICATION = _OF_LABELS(
    row=_one,
    measure=_classification,
    measures=(
        _MACRO,
        Measure("accuracy", "Accuracy", "the share of texts with the right label"),
        Measure(
            "micro_f1", "Micro F1", "over all labels together; with one label per text the accuracy again"
        ),
        Measure("mcc", "MCC", "Matthews correlation: 1 at best, 0 for a guess that knows nothing"),
        *_RANKING,
    ),
    said_right=_of_the_text,
)

MULTILABEL = _OF_LABELS(
    row=_several,
    measure=_multilabel,
    measures=(
        _MACRO,
        Measure("micro_f1", "Micro F1", "over all labels together"),
        Measure("exact", "Exact match", "the share of texts with all labels right and none too many"),
        *_RANKING,
    ),
    said_right=_of_each_label,
)
