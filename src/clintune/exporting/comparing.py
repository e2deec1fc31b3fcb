"""What a bundle predicts against what the evaluation saw: every item of every example."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from clintune.errors import BundleError
from clintune.examples import Prediction
from clintune.serving import Document, Predictor
from clintune.tables import read_examples, read_predictions
from clintune.tasks.codecs import CODECS

_AGAIN = "evaluate this checkpoint anew: dvc repro --single-item --force evaluate"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found equal: `items` (spans, labels, values) over `examples`; they lie `apart` at most."""

    task: str
    examples: int
    items: int
    apart: float


def compare(predictor: Predictor, *, test: Path, predictions: Path, tolerance: float) -> Comparison:
    """Predict every example of `test` and compare targets exactly, scores within `tolerance`.

    Raises BundleError after the last example if one differs, with their number and the first one's row.
    """
    codec = CODECS[predictor.outputs.task]
    compared, items, largest = 0, 0, 0.0
    targets: list[int] = []
    different: list[int] = []
    for row, (expected, said) in enumerate(_pairs(predictor, test, predictions)):
        compared += 1
        apart = codec.apart(expected, said, predictor.outputs)
        if apart == math.inf:
            targets.append(row)
            different.append(row)
            continue
        items += codec.items(expected)
        largest = max(largest, apart)
        if not apart <= tolerance:  # not a number is no agreement
            different.append(row)
    if different:
        problem = (
            f"the bundle predicts {len(different)} of {compared} examples differently, the first in row"
            f" {different[0]} of {test}, from 0 ({len(targets)} with other spans or labels; scores of equal"
            f" ones lie up to {largest:.1e} apart, allowed are {tolerance:.0e})"
        )
        raise BundleError(str(predictions), problem, f"{_AGAIN}; if it stays so, do not deploy this model")
    return Comparison(predictor.outputs.task, compared, items, largest)


def _pairs(
    predictor: Predictor, test: Path, predictions: Path
) -> Iterator[tuple[Prediction[Any], Prediction[Any]]]:
    """Evaluation's and the bundle's prediction of each example."""
    target = CODECS[predictor.outputs.task].target
    documents = (Document(example.id, example.text) for example in read_examples(test, target))
    found = (prediction for _, prediction in predictor(documents))
    for number, (expected, said) in enumerate(zip_longest(read_predictions(predictions, target), found), 1):
        if expected is None or said is None or expected.id != said.id:
            problem = f"is not of the examples of {test}: they part at number {number}"
            raise BundleError(str(predictions), problem, _AGAIN)
        yield expected, said
