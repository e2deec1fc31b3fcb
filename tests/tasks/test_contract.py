"""Every task keeps the contract: perfect outputs say the target that they came from, whatever the windows."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clintune.batching import predict
from clintune.checkpoints import Outputs, Scale
from clintune.evaluation import JUDGES
from clintune.examples import IGNORED, Example, Span
from clintune.exporting.cards import CARDS
from clintune.params_training import LOSSES, METRICS
from clintune.tasks.answers import ANSWERS, EXAMPLES
from clintune.tasks.codecs import CODECS
from clintune.tasks.heads import HEADS
from clintune.tasks.intakes import INTAKES
from clintune.tasks.lines import LINES
from clintune.tasks.scorers import SCORERS
from tests.strategies import CHARACTERS, LABELS, texts_with_spans


def token_logits(batch, outputs):
    logits = np.zeros((*batch.labels.shape, outputs), dtype=np.float32)
    owned = batch.labels != IGNORED
    logits[owned, batch.labels[owned]] = 30
    return logits


def text_logits(batch, _outputs):
    return (60 * batch.labels[:, 1:] - 30).astype(np.float32)


def text_values(batch, _outputs):
    return np.nan_to_num(batch.labels[:, 1:]).astype(np.float32)


def texts_with(targets):
    texts = st.text(CHARACTERS, min_size=1, max_size=200)
    return st.builds(lambda text, target: Example("one", "group", text, target), texts, targets)


@dataclass(frozen=True)
class Row:
    """Examples, what a perfect model puts out, and how many items of the target are not in a prediction."""

    examples: st.SearchStrategy[Example[Any]]
    perfect: Callable
    missed: Callable[[Any, Any], int]


def values_missed(gold, said):
    return sum(
        one is not None and not math.isclose(one, two, abs_tol=1e-3)
        for one, two in zip(gold, said, strict=True)
    )


VALUES = st.tuples(*[st.none() | st.floats(-20, 20)] * 2)
ROWS = {
    "entities": Row(texts_with_spans(), token_logits, lambda gold, said: len(set(gold) - set(said))),
    "classification": Row(texts_with(st.sampled_from(LABELS)), text_logits, lambda gold, said: gold != said),
    "multilabel": Row(
        texts_with(st.sets(st.sampled_from(LABELS)).map(lambda labels: tuple(sorted(labels)))),
        text_logits,
        lambda gold, said: gold != said,
    ),
    "regression": Row(texts_with(VALUES), text_values, values_missed),
}
SCALES = {"regression": (Scale(3.0, 2.0), Scale(-100.0, 0.5))}


@pytest.mark.parametrize(
    "places",
    [CODECS, HEADS, SCORERS, INTAKES, ANSWERS, EXAMPLES, LINES, JUDGES, CARDS, LOSSES, METRICS],
)
def test_every_place_knows_every_task(places):
    assert places.keys() == ROWS.keys()


TARGETS = {
    "entities": (Span(0, 1, "A"),),
    "classification": "A",
    "multilabel": ("A", "B"),
    "regression": (1.0, None),
}


@pytest.mark.parametrize("task", ROWS)
def test_training_may_stop_by_each_score_on_validation_and_by_no_other(task):
    scores = SCORERS[task].score([(TARGETS[task], TARGETS[task])])
    assert METRICS[task] == {*scores, "loss"}


@pytest.mark.parametrize("task", ROWS)
@given(data=st.data(), size=st.integers(10, 40))
@settings(max_examples=60)
def test_perfect_outputs_say_all_of_the_target_that_can_be_said(cutter_of, task, data, size):
    example, codec = data.draw(ROWS[task].examples), CODECS[task]
    cutter = cutter_of(size, size // 3)
    outputs = Outputs(task, codec.labels(LABELS, "bio"), size, size // 3, SCALES.get(task, ()))
    windows, lost = codec.windows(example, cutter, outputs)

    def forward(batch):
        return ROWS[task].perfect(batch, len(outputs.labels))

    (prediction,) = predict(windows, forward, outputs, batch_tokens=64)
    assert ROWS[task].missed(example.target, prediction.target) == sum(lost.values())
    assert codec.apart(prediction, prediction, outputs) == 0
    assert ANSWERS[task](example.text, prediction, outputs.labels).keys() == EXAMPLES[task].keys()
