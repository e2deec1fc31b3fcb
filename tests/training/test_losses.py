"""Each loss and penalty against a case computed by hand."""

import math

import pytest
import torch

from clintune.errors import ParamsError
from clintune.examples import IGNORED
from clintune.params import CrossEntropy, Penalty
from clintune.training.losses import criterion_of
from clintune.training.penalties import add_penalty

LABELS = ("O", "B-Drug", "I-Drug")
LOGITS = torch.tensor([[[0.0, math.log(2), math.log(5)], [math.log(3), 0.0, 0.0], [9.0, 9.0, 9.0]]])
"""Probabilities 1/8, 2/8, 5/8 and 3/5, 1/5, 1/5; the last token is not owned."""
WANTED = torch.tensor([[1, 0, IGNORED]])


def criterion(counts=None, **changes):
    keys = {"kind": "cross_entropy", "class_weights": None, "label_smoothing": 0.0, "focal_gamma": 0.0}
    return criterion_of(CrossEntropy(**keys | changes), LABELS, counts or {0: 6, 1: 2, 2: 4})


def value(**changes) -> float:
    return float(criterion(**changes).total(LOGITS, WANTED))


def test_cross_entropy_is_minus_the_log_of_the_labels_probability_summed_over_owned_tokens():
    assert value() == pytest.approx(-math.log(2 / 8) - math.log(3 / 5))
    assert criterion().weight(WANTED) == 2


def test_named_weights_count_for_every_tag_of_a_label():
    weights = {"Drug": 3.0, "O": 0.5}
    assert value(class_weights=weights) == pytest.approx(-3 * math.log(2 / 8) - 0.5 * math.log(3 / 5))
    assert criterion(class_weights=weights).weight(WANTED) == 3.5


def test_balanced_weights_are_the_total_by_classes_times_count():
    balanced = -12 / (3 * 2) * math.log(2 / 8) - 12 / (3 * 6) * math.log(3 / 5)
    assert value(class_weights="balanced") == pytest.approx(balanced)


def test_a_class_that_train_has_not_weighs_nothing_and_does_not_count_as_a_class():
    found = criterion({0: 6, 1: 2}, class_weights="balanced")
    assert found.weight(torch.tensor([0, 1, 2])) == pytest.approx(8 / (2 * 6) + 8 / (2 * 2))


def test_label_smoothing_spreads_a_share_over_all_classes():
    rest = -(math.log(1 / 8) + math.log(2 / 8) + math.log(5 / 8) + math.log(3 / 5) + 2 * math.log(1 / 5)) / 3
    assert value(label_smoothing=0.3) == pytest.approx(0.7 * value() + 0.3 * rest)


def test_focal_loss_lowers_what_the_model_is_sure_of():
    by_hand = -((6 / 8) ** 2) * math.log(2 / 8) - (2 / 5) ** 2 * math.log(3 / 5)
    assert value(focal_gamma=2.0) == pytest.approx(by_hand)
    weighted = -((6 / 8) ** 2) * 3 * math.log(2 / 8) - (2 / 5) ** 2 * math.log(3 / 5)
    assert value(focal_gamma=2.0, class_weights={"Drug": 3.0}) == pytest.approx(weighted)


def test_a_weight_for_a_label_that_there_is_not_is_one_line():
    with pytest.raises(ParamsError, match=r"class_weights\.Durg: no such label; labels are Drug, O"):
        criterion(class_weights={"Durg": 2.0})


def test_penalties_add_their_gradient_to_matrices_and_say_their_value():
    matrix, bias, frozen = (torch.nn.Parameter(torch.tensor(one)) for one in ([[2.0, -3.0]], [5.0], [[7.0]]))
    matrix.grad, bias.grad = torch.tensor([[0.5, 0.5]]), torch.tensor([1.0])
    found = add_penalty([matrix, bias, frozen], Penalty(l1=0.1, l2=0.2))
    assert found == pytest.approx(0.1 * 5 + 0.1 * 13)
    assert matrix.grad.flatten().tolist() == pytest.approx([0.5 + 0.1 + 0.4, 0.5 - 0.1 - 0.6])
    assert (bias.grad.tolist(), frozen.grad) == ([1.0], None)


def test_without_penalties_nothing_is_touched():
    matrix = torch.nn.Parameter(torch.ones(1, 1))
    matrix.grad = torch.ones(1, 1)
    assert add_penalty([matrix], Penalty(l1=0.0, l2=0.0)) == 0
    assert matrix.grad.item() == 1
