"""Scores against scikit-learn and by hand; a resample's weights are the same as repeating its texts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn import metrics as sk

from clintune.evaluation.texts.labels import CLASSIFICATION, MULTILABEL
from clintune.evaluation.texts.values import REGRESSION
from clintune.evaluation.texts.weighted import auprc, auroc

LABELS = ("a", "b", "c")


def one_of(random, texts):
    gold, said = (np.eye(3)[random.integers(0, 3, texts)] for _ in range(2))
    scores = random.integers(1, 9, (texts, 3)) + 5.0 * said
    return gold, said, scores / scores.sum(axis=1, keepdims=True)


def measured(manner, answers, weights=None, labels=LABELS):
    every = np.ones((1, len(answers[0]))) if weights is None else weights
    return {key: values[0] for key, values in manner.measure(*answers, every, labels).items()}


@given(seed=st.integers(0, 2**32 - 1), texts=st.integers(12, 60))
@settings(max_examples=40)
def test_scores_of_one_label_are_those_of_scikit_learn(seed, texts):
    random = np.random.default_rng(seed)
    gold, said, scores = answers = one_of(random, texts)
    gold[:3] = np.eye(3)  # every label occurs, or scikit-learn warns
    found = measured(CLASSIFICATION, answers)
    true, guess = gold.argmax(axis=1), said.argmax(axis=1)
    assert found["accuracy",] == pytest.approx(sk.accuracy_score(true, guess))
    assert found["micro_f1",] == pytest.approx(found["accuracy",])
    assert found["macro_f1",] == pytest.approx(sk.f1_score(true, guess, average="macro", zero_division=0))
    assert found["mcc",] == pytest.approx(sk.matthews_corrcoef(true, guess))
    assert found["auroc",] == pytest.approx(sk.roc_auc_score(gold, scores, average="macro"))
    assert found["auprc",] == pytest.approx(sk.average_precision_score(gold, scores, average="macro"))


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_scores_of_several_labels_are_those_of_scikit_learn(seed):
    random = np.random.default_rng(seed)
    gold, said = (random.integers(0, 2, (30, 3)).astype(float) for _ in range(2))
    gold[:2] = [[0, 0, 0], [1, 1, 1]]
    found = measured(MULTILABEL, (gold, said, random.random((30, 3))))
    assert found["micro_f1",] == pytest.approx(sk.f1_score(gold, said, average="micro"))
    assert found["macro_f1",] == pytest.approx(sk.f1_score(gold, said, average="macro", zero_division=0))
    assert found["exact",] == pytest.approx(sk.accuracy_score(gold, said))


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_scores_of_numbers_are_those_of_scikit_learn_and_scipy(seed):
    random = np.random.default_rng(seed)
    gold, said = (random.integers(0, 9, (30, 1)).astype(float) for _ in range(2))
    found = measured(REGRESSION, (gold, said, said), labels=("x",))
    assert found["rmse",] == pytest.approx(sk.root_mean_squared_error(gold, said))
    assert found["mae",] == pytest.approx(sk.mean_absolute_error(gold, said))
    assert found["r2",] == pytest.approx(sk.r2_score(gold, said))
    assert found["spearman",] == pytest.approx(spearmanr(gold[:, 0], said[:, 0]).statistic)


@pytest.mark.parametrize("manner", [CLASSIFICATION, REGRESSION])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_to_weigh_a_text_is_to_repeat_it(manner, seed):
    random = np.random.default_rng(seed)
    answers = one_of(random, 20)
    times = random.integers(0, 4, 20)
    times[0] = 1
    repeated = tuple(np.repeat(one, times, axis=0) for one in answers)
    weighted = measured(manner, answers, times[None].astype(float))
    for key, value in measured(manner, repeated).items():
        assert weighted[key] == pytest.approx(value, nan_ok=True), key


def test_ranking_counted_by_hand():
    gold, scores, every = np.array([1.0, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.7]), np.ones((1, 4))
    assert auroc(gold, scores, every).tolist() == [(1 + 1 + 0 + 0.5) / 4]
    assert auprc(gold, scores, every).tolist() == [1 / 2 * 1 + 1 / 2 * 2 / 4]


def test_what_is_not_defined_is_nan_and_no_warning():
    gold, said = np.array([[1.0, 0.0]] * 3), np.array([[1.0, 0.0]] * 3)
    found = measured(CLASSIFICATION, (gold, said, said), labels=("a", "b"))
    assert np.isnan(found["label", "b", "f1"])
    assert np.isnan(found["auroc",])
    assert found["macro_f1",] == 1
    assert found["mcc",] == 0


def test_a_value_that_is_not_known_counts_nowhere():
    gold, said = np.array([[1.0, 2.0], [np.nan, 4.0]]), np.array([[2.0, 2.0], [9.0, 4.0]])
    found = measured(REGRESSION, (gold, said, said), labels=("x", "y"))
    assert found["target", "x", "rmse"] == 1
    assert found["target", "x", "known"] == 1
    assert found["rmse",] == 0.5
