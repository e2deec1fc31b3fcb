"""From files to findings."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from clintune import params
from clintune.checkpoints import Outputs
from clintune.evaluation.texts.answers import Answers, gather
from clintune.evaluation.texts.baselines import Rows, baseline
from clintune.evaluation.texts.errors import shown, worst
from clintune.evaluation.texts.findings import Findings
from clintune.evaluation.texts.labels import CLASSIFICATION, MULTILABEL
from clintune.evaluation.texts.manners import Manner
from clintune.evaluation.texts.measuring import Case, measure
from clintune.evaluation.texts.values import REGRESSION
from clintune.examples import Example
from clintune.tables import read_examples, read_predictions
from clintune.tasks.codecs import CODECS

MANNERS: Mapping[str, Manner] = {
    "classification": CLASSIFICATION,
    "multilabel": MULTILABEL,
    "regression": REGRESSION,
}


def judge(
    section: params.Evaluate, outputs: Outputs, *, seed: int, train: Path, test: Path, table: Path
) -> Findings:
    """Score the predictions of test in `table`. Texts are read one by one; baselines need all at once."""
    manner, target, labels = MANNERS[outputs.task], CODECS[outputs.task].target, outputs.labels
    texts, model = gather(read_examples(test, target), read_predictions(table, target), labels, manner)
    rivals: dict[str, Answers] = {}
    if section.baselines:
        fitted, seen = (_rows(read_examples(path, target), outputs, manner) for path in (train, test))
        rivals = {name: baseline(name, outputs.task, fitted, seen, seed=seed) for name in section.baselines}
    taught = _taught(read_examples(train, target), outputs, manner)
    places = worst(model, manner, section.shown)
    kept = _texts(read_examples(test, target), set(places)) if section.shareable else {}
    return measure(
        section,
        Case(manner, labels, texts, model, rivals, taught),
        shown(places, texts, model, labels, manner, kept=kept),
        seed=seed,
    )


def _rows(examples: Iterable[Example[Any]], outputs: Outputs, manner: Manner) -> Rows:
    texts, gold = [], []
    for example in examples:
        texts.append(example.text)
        gold.append(manner.row(example.target, outputs.labels))
    return Rows(texts, np.array(gold, dtype=np.float64))


def _taught(examples: Iterable[Example[Any]], outputs: Outputs, manner: Manner) -> frozenset[str]:
    """Labels that hold for a text of train; targets of which train knows a value."""
    taught = np.zeros(len(outputs.labels), dtype=np.bool_)
    for example in examples:
        row = np.array(manner.row(example.target, outputs.labels))
        taught |= row == 1 if manner.part == "label" else ~np.isnan(row)
    return frozenset(label for label, one in zip(outputs.labels, taught, strict=True) if one)


def _texts(examples: Iterable[Example[Any]], places: set[int]) -> dict[int, str]:
    return {place: example.text for place, example in enumerate(examples) if place in places}
