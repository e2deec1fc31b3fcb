"""One answer per text: windows and their weights, pooling, and what the heads minimise."""

import math

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from clintune.checkpoints import Outputs, Scale
from clintune.errors import DataError
from clintune.examples import Example, Prediction
from clintune.tasks.codecs import CODECS
from clintune.tasks.heads import HEADS
from clintune.tasks.items import Totals
from clintune.tasks.scorers import SCORERS
from clintune.tasks.texts.pooling import PooledLinear, masked_mean
from clintune.tasks.texts.windowing import pooled
from tests.strategies import CHARACTERS

LONG = "The patient denies chest pain. " * 40


@given(text=st.text(CHARACTERS, max_size=300), size=st.integers(10, 40))
@settings(max_examples=60)
def test_the_windows_of_a_text_weigh_one_together(cutter_of, text, size):
    outputs = Outputs("classification", ("a", "b"), size, size // 3)
    windows, _ = CODECS["classification"].windows(
        Example("x", "x", text, "b"), cutter_of(size, size // 3), outputs
    )
    assert math.isclose(sum(window.labels[0] for window in windows), 1)
    assert {window.labels[1:] for window in windows} == {(0.0, 1.0)}


def test_outputs_are_averaged_by_the_tokens_that_each_window_owns(cutter_of):
    outputs = Outputs("classification", ("a", "b"), 64, 16)
    windows, _ = CODECS["classification"].windows(Example("x", "x", LONG, "b"), cutter_of(64, 16), outputs)
    owned = np.array([sum(window.owned) for window in windows])
    said = np.arange(len(windows), dtype=np.float32)
    found = pooled([(window, np.array([one])) for window, one in zip(windows, said, strict=True)])
    assert found == pytest.approx([(owned * said).sum() / owned.sum()])


def test_a_mean_over_tokens_knows_nothing_of_padding():
    states = torch.tensor([[[1.0], [3.0], [100.0]], [[7.0], [7.0], [7.0]]])
    assert masked_mean(states, torch.tensor([[1, 1, 0], [0, 0, 0]])).tolist() == [[2.0], [0.0]]
    head = PooledLinear(1, 2, 0.0)
    assert torch.equal(
        head(states[:1], torch.tensor([[1, 1, 0]])), head(states[:1, :2], torch.tensor([[1, 1]]))
    )


def examples(*targets):
    return [Example(str(number), "g", "text", target) for number, target in enumerate(targets)]


def test_values_are_standardised_by_the_mean_and_deviation_of_what_is_known():
    scales = CODECS["regression"].scales(examples((1.0, None), (3.0, 5.0), (None, 5.0)), ("a", "b"))
    assert scales == (Scale(2.0, 1.0), Scale(5.0, 1.0))


def test_a_target_without_any_value_in_train_is_named():
    with pytest.raises(DataError, match="no value of 'b'"):
        CODECS["regression"].scales(examples((1.0, None)), ("a", "b"))


def test_values_come_back_in_original_units(cutter_of):
    outputs = Outputs("regression", ("a",), 64, 8, (Scale(10.0, 4.0),))
    codec = CODECS["regression"]
    windows, _ = codec.windows(Example("x", "x", "text", (12.0,)), cutter_of(64, 8), outputs)
    assert windows[0].labels == (1.0, 0.5)
    assert codec.decode("x", [(windows[0], np.array([0.5], dtype=np.float32))], outputs).target == (12.0,)


def test_values_lie_apart_by_standard_deviations():
    outputs = Outputs("regression", ("a",), 64, 8, (Scale(10.0, 4.0),))
    one, two = Prediction("x", (1.0,), ()), Prediction("x", (2.0,), ())
    assert CODECS["regression"].apart(one, two, outputs) == 0.25


def test_another_label_is_infinitely_far():
    one, two = Prediction("x", "a", (0.51, 0.49)), Prediction("x", "b", (0.49, 0.51))
    outputs = Outputs("classification", ("a", "b"), 64, 8)
    assert CODECS["classification"].apart(one, two, outputs) == math.inf


def test_outputs_with_scales_are_read_as_they_were_written(tmp_path):
    outputs = Outputs("regression", ("a",), 64, 8, (Scale(0.1, 1 / 3),))
    outputs.write(tmp_path / "outputs.json")
    assert Outputs.read(tmp_path / "outputs.json") == outputs


@pytest.mark.parametrize(
    ("task", "pairs", "expected"),
    [
        (
            "classification",
            [("a", "a"), ("a", "b"), ("b", "b"), ("c", "b")],
            {"accuracy": 0.5, "macro_f1": (2 / 3 + 1 / 2 + 0) / 3},
        ),
        ("multilabel", [(("a", "b"), ("a",)), ((), ("b",))], {"micro_f1": 0.5, "macro_f1": 0.5}),
        (
            "regression",
            [((1.0, 5.0), (2.0, 5.0)), ((3.0, None), (3.0, 9.0))],
            {"mae": 0.25, "rmse": math.sqrt(0.5) / 2},
        ),
    ],
)
def test_validation_scores_counted_by_hand(task, pairs, expected):
    assert SCORERS[task].score(iter(pairs)) == pytest.approx(expected)


def test_of_errors_the_smaller_is_better():
    assert SCORERS["regression"].errors == {"mae", "rmse"}
    assert not SCORERS["classification"].errors


def test_totals_count_texts_and_labels_by_weight():
    rows = pa.array([[1.0, 1.0, 0.0], [0.25, 0.0, 1.0], [0.75, 0.0, 1.0]])
    assert HEADS["classification"].totals(rows, 2) == Totals(2.0, (1.0, 1.0))
