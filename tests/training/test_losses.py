"""Each loss and penalty against a case computed by hand."""

import math

import pytest
import torch

from clintune.checkpoints import Outputs
from clintune.errors import ParamsError
from clintune.examples import IGNORED
from clintune.params import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, Penalty, SquaredError
from clintune.tasks.items import Totals
from clintune.training.losses import criterion_of
from clintune.training.penalties import add_penalty

LABELS = ("O", "B-Drug", "I-Drug")
LOGITS = torch.tensor([[[0.0, math.log(2), math.log(5)], [math.log(3), 0.0, 0.0], [9.0, 9.0, 9.0]]])
"""Probabilities 1/8, 2/8, 5/8 and 3/5, 1/5, 1/5; the last token is not owned."""
WANTED = torch.tensor([[1, 0, IGNORED]])


KEYS = {"class_weights": None, "label_smoothing": 0.0, "focal_gamma": 0.0}


def criterion(counts=(6.0, 2.0, 4.0), **changes):
    section = CrossEntropy(kind="cross_entropy", **KEYS | changes)
    return criterion_of(section, Outputs("entities", LABELS, 32, 8), Totals(sum(counts), counts))


def total(made, outputs, labels) -> float:
    return float(made.total(outputs, made.items(labels)))


def weight(made, labels) -> float:
    return made.weight(made.items(labels))


def value(**changes) -> float:
    return total(criterion(**changes), LOGITS, WANTED)


def test_cross_entropy_is_minus_the_log_of_the_labels_probability_summed_over_owned_tokens():
    assert value() == pytest.approx(-math.log(2 / 8) - math.log(3 / 5))
    assert weight(criterion(), WANTED) == 2


def test_named_weights_count_for_every_tag_of_a_label():
    weights = {"Drug": 3.0, "O": 0.5}
    assert value(class_weights=weights) == pytest.approx(-3 * math.log(2 / 8) - 0.5 * math.log(3 / 5))
    assert weight(criterion(class_weights=weights), WANTED) == 3.5


def test_balanced_weights_are_the_total_by_classes_times_count():
    balanced = -12 / (3 * 2) * math.log(2 / 8) - 12 / (3 * 6) * math.log(3 / 5)
    assert value(class_weights="balanced") == pytest.approx(balanced)


def test_a_class_that_train_has_not_weighs_nothing_and_does_not_count_as_a_class():
    found = criterion((6.0, 2.0, 0.0), class_weights="balanced")
    assert weight(found, torch.tensor([[0, 1, 2]])) == pytest.approx(8 / (2 * 6) + 8 / (2 * 2))


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


@pytest.mark.parametrize("task", ["classification", "multilabel"])
def test_only_tags_have_a_label_behind_a_hyphen(task):
    kinds = {"classification": CrossEntropy, "multilabel": BinaryCrossEntropy}
    name = {"classification": "cross_entropy", "multilabel": "binary_cross_entropy"}[task]
    one = kinds[task](kind=name, **KEYS | {"class_weights": {"pneumonia": 5.0}})
    made = of_texts(one, task, ("non-pneumonia", "pneumonia"))
    both = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
    first, second = (total(made, torch.zeros(1, 2), both[row : row + 1]) for row in (0, 1))
    others = math.log(2) if task == "multilabel" else 0  # the label that a text has not
    assert [first - others, second - others] == pytest.approx([math.log(2), 5 * math.log(2)])
    other = kinds[task](kind=name, **KEYS | {"class_weights": {"19": 5.0}})
    with pytest.raises(ParamsError, match=r"\.19: no such label; labels are covid-19, influenza"):
        of_texts(other, task, ("covid-19", "influenza"))


def of_texts(section, task: str, labels=("A", "B"), counts=(2.0, 5.0), items=10.0):
    return criterion_of(section, Outputs(task, labels, 32, 8), Totals(items, counts))


PAIR = torch.tensor([[math.log(3), 0.0], [0.0, 0.0]])
"""Softmax 3/4, 1/4 and 1/2, 1/2; sigmoid 3/4, 1/2 and 1/2, 1/2."""


def test_a_text_in_several_windows_counts_once_in_classification():
    made = of_texts(CrossEntropy(kind="cross_entropy", **KEYS), "classification")
    labels = torch.tensor([[1.0, 1.0, 0.0], [0.25, 0.0, 1.0]])
    assert total(made, PAIR, labels) == pytest.approx(-math.log(3 / 4) - 0.25 * math.log(1 / 2))
    assert weight(made, labels) == 1.25


def binary(**changes) -> float:
    made = of_texts(BinaryCrossEntropy(kind="binary_cross_entropy", **KEYS | changes), "multilabel")
    assert weight(made, torch.tensor([[1.0, 1.0, 0.0]])) == 2
    return total(made, PAIR[:1], torch.tensor([[1.0, 1.0, 0.0]]))


def test_binary_cross_entropy_judges_each_label_by_itself():
    assert binary() == pytest.approx(-math.log(3 / 4) - math.log(1 / 2))


def test_binary_cross_entropy_with_weights_smoothing_and_focus():
    assert binary(class_weights="balanced") == pytest.approx(-8 / 2 * math.log(3 / 4) - math.log(1 / 2))
    smooth = -0.9 * math.log(3 / 4) - 0.1 * math.log(1 / 4) - math.log(1 / 2)
    assert binary(label_smoothing=0.2) == pytest.approx(smooth)
    focal = -((1 / 4) ** 2) * math.log(3 / 4) - (1 / 2) ** 2 * math.log(1 / 2)
    assert binary(focal_gamma=2.0) == pytest.approx(focal)


@pytest.mark.parametrize("task", ["classification", "multilabel"])
@pytest.mark.parametrize("logit", [17.5, 40.0, 110.0])
def test_what_the_model_is_certain_of_has_a_finite_gradient_whatever_the_focus(task, logit):
    """Below 1 the slope of x^γ at 0 has no end, and its product with a loss of 0 is no number."""
    keys = KEYS | {"focal_gamma": 0.5}
    sections = {"classification": CrossEntropy(kind="cross_entropy", **keys),
                "multilabel": BinaryCrossEntropy(kind="binary_cross_entropy", **keys)}  # fmt: skip
    made = of_texts(sections[task], task)
    outputs = torch.tensor([[logit, -logit], [1.0, 0.5]], requires_grad=True)
    loss = made.total(outputs, made.items(torch.tensor([[1.0, 1.0, 0.0]] * 2)))
    loss.backward()
    assert math.isfinite(loss.item())
    certain, unsure = outputs.grad
    assert certain.tolist() == pytest.approx([0, 0], abs=1e-6)
    assert float(unsure.abs().min()) > 0.1


def test_a_label_that_every_text_of_train_has_is_learned_all_the_same():
    section = BinaryCrossEntropy(kind="binary_cross_entropy", **KEYS | {"class_weights": "balanced"})
    made = of_texts(section, "multilabel", counts=(10.0, 0.0))
    outputs = PAIR[:1].clone().requires_grad_()
    loss = made.total(outputs, made.items(torch.tensor([[1.0, 1.0, 1.0]])))
    loss.backward()
    assert loss.item() == pytest.approx(-math.log(3 / 4) - math.log(1 / 2))
    assert outputs.grad[0].tolist() == pytest.approx([-1 / 4, -1 / 2])


@pytest.mark.parametrize(
    ("section", "by_hand"),
    [
        (SquaredError(kind="mse"), 9 + 0.5 * 0.25),
        (AbsoluteError(kind="mae"), 3 + 0.5 * 0.5),
        (Huber(kind="huber", delta=1.0), 1 * (3 - 0.5) + 0.5 * 0.5**2 / 2),
        (Huber(kind="huber", delta=2.0), 2 * (3 - 1.0) + 0.5 * 0.5**2 / 2),
    ],
)
def test_losses_of_numbers_over_the_values_that_are_known(section, by_hand):
    made = of_texts(section, "regression")
    outputs = torch.tensor([[1.0, 7.0], [0.5, 2.0]])
    labels = torch.tensor([[1.0, 4.0, math.nan], [0.5, 1.0, math.nan]])
    assert total(made, outputs, labels) == pytest.approx(by_hand)
    assert weight(made, labels) == 1.5


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
