"""Optimizers, the settings of each tensor and the course of the rate, against cases computed by hand."""

import math

import pytest
import torch

from clintune.checkpoints import Outputs
from clintune.errors import ModelError
from clintune.networks import build
from clintune.params import Adam, AdamW, Group, Lora, Partial, Sgd, Train
from clintune.training.adapters import add_adapters
from clintune.training.optimization import build_optimizer, build_schedule, course, learning_rates
from clintune.training.strategies import strategy_of

ADAM = {"beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8}
RATE, GRADIENT = 0.1, 0.5


@pytest.fixture
def section(tiny) -> Train:
    return tiny.train.model_copy(update={"learning_rate": RATE})


@pytest.fixture
def network(tiny):
    return build(tiny.model, Outputs("entities", ("O", "B-Drug"), 32, 8), seed=3, dropout=tiny.train.dropout)


def after(section: Train, optimizer, *, steps: int) -> float:
    """A weight of 1 after steps with a gradient of 0.5."""
    weight = torch.nn.Parameter(torch.ones(1, 1))
    made = build_optimizer({"w": weight}, section.model_copy(update={"optimizer": optimizer}), {"w": RATE})
    for _ in range(steps):
        weight.grad = torch.full((1, 1), GRADIENT)
        made.step()
    return weight.item()


def test_sgd_follows_the_gradient(section):
    plain = Sgd(kind="sgd", momentum=0.0, nesterov=False)
    assert after(section, plain, steps=2) == pytest.approx(1 - 2 * RATE * GRADIENT)


def test_momentum_remembers_and_nesterov_looks_ahead(section):
    heavy = Sgd(kind="sgd", momentum=0.9, nesterov=False)
    assert after(section, heavy, steps=2) == pytest.approx(1 - RATE * GRADIENT * (1 + 1.9))
    ahead = Sgd(kind="sgd", momentum=0.9, nesterov=True)
    assert after(section, ahead, steps=2) == pytest.approx(1 - RATE * GRADIENT * (1.9 + 1 + 0.9 * 1.9))


def test_adam_steps_by_the_rate_whatever_the_size_of_a_steady_gradient(section):
    assert after(section, Adam(kind="adam", **ADAM), steps=3) == pytest.approx(1 - 3 * RATE)


def test_adamw_shrinks_the_weight_beside_the_step(section):
    decayed = AdamW(kind="adamw", **ADAM, weight_decay=0.2)
    assert after(section, decayed, steps=1) == pytest.approx(1 - RATE * 0.2 * 1 - RATE)


def rates(network, section: Train) -> dict[str, float]:
    tensors = dict(network.named_parameters())
    made = build_optimizer(tensors, section, learning_rates(network, section))
    return {
        name: group["lr"] for group in made.param_groups for name, tensor in tensors.items()
        if any(tensor is one for one in group["params"])
    }  # fmt: skip


def test_each_layer_learns_slower_than_the_one_above_by_the_same_factor(network, section):
    found = rates(network, section.model_copy(update={"layer_decay": 0.5}))
    by_part = {
        "head.": RATE, "encoder.encoder.layer.1.": RATE / 2, "encoder.encoder.layer.0.": RATE / 4,
        "encoder.embeddings.": RATE / 8,
    }  # fmt: skip
    for part, rate in by_part.items():
        assert sorted({found[name] for name in found if name.startswith(part)}) == pytest.approx([rate])


def test_adapters_learn_at_the_rate_of_their_layer_and_a_group_may_set_that_of_b_alone(network, section):
    lora = Lora(kind="lora", rank=2, alpha=4, dropout=0.0, targets=("*.query",))
    groups = (Group(names="*.lora_B.*", learning_rate=0.7, weight_decay=None),)
    section = section.model_copy(update={"layer_decay": 0.5, "groups": groups, "strategy": lora})
    add_adapters(network, section, seed=3)
    found = rates(network, section)
    query = "encoder.encoder.layer.{}.attention.self.query.lora_{}.default.weight"
    assert [found[query.format(layer, "A")] for layer in (0, 1)] == pytest.approx([RATE / 4, RATE / 2])
    assert [found[query.format(layer, "B")] for layer in (0, 1)] == [0.7, 0.7]


def test_a_group_has_settings_of_its_own_and_the_first_that_fits_counts(network, section):
    groups = (
        Group(names="head.linear.bias", learning_rate=0.7, weight_decay=0.3),
        Group(names="head.*", learning_rate=0.9, weight_decay=None),
    )
    changed = section.model_copy(update={"groups": groups, "layer_decay": 0.5})
    found = rates(network, changed)
    assert (found["head.linear.bias"], found["head.linear.weight"]) == (0.7, 0.9)
    made = build_optimizer(dict(network.named_parameters()), changed, learning_rates(network, changed))
    decay = {group["lr"]: group["weight_decay"] for group in made.param_groups if group["lr"] in (0.7, 0.9)}
    assert decay == {0.7: 0.3, 0.9: section.optimizer.weight_decay}


def test_a_pattern_that_fits_no_tensor_is_one_line(network, section):
    misspelled = r"no tensor fits 'haed\.\*'; names are like encoder\."
    groups = (Group(names="haed.*", learning_rate=0.7, weight_decay=None),)
    with pytest.raises(ModelError, match=f"train.groups: {misspelled}"):
        build_optimizer(dict(network.named_parameters()), section.model_copy(update={"groups": groups}), {})
    partial = Partial(kind="partial", embeddings=False, layers=0, names=("haed.*",))
    with pytest.raises(ModelError, match=f"train.strategy.names: {misspelled}"):
        strategy_of(section.model_copy(update={"strategy": partial}), network)


def test_more_frozen_layers_than_there_are_is_one_line(network, section):
    partial = Partial(kind="partial", embeddings=True, layers=3, names=())
    with pytest.raises(ModelError, match=r"strategy\.layers: is 3; the model has 2 layers"):
        strategy_of(section.model_copy(update={"strategy": partial}), network)


@pytest.mark.parametrize(
    ("schedule", "at"),
    [
        ("constant", {0.0: 1.0, 0.5: 1.0, 1.0: 1.0}),
        ("linear", {0.0: 1.0, 0.25: 0.75, 1.0: 0.0}),
        ("cosine", {0.0: 1.0, 0.5: 0.5, 0.25: (1 + math.cos(math.pi / 4)) / 2, 1.0: 0.0}),
    ],
)
def test_the_course_of_the_rate(schedule, at):
    assert {progress: pytest.approx(course(schedule, progress)) for progress in at} == at


def test_the_rate_rises_over_the_warm_up_and_never_begins_at_zero(section):
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = build_optimizer({"w": weight}, section, {"w": RATE})
    schedule = build_schedule(optimizer, section.model_copy(update={"warmup": 0.4}), steps=10)
    found = []
    for _ in range(10):
        found.append(schedule.get_last_lr()[0] / RATE)
        weight.grad = torch.zeros(1)
        optimizer.step()
        schedule.step()
    assert found == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])
