"""What a learner starts from: its weights, its dropout, and what is decayed."""

import pytest
import torch

from clintune.checkpoints import Outputs
from clintune.devices import Compute
from clintune.errors import ModelError
from clintune.networks import Network, build
from clintune.params import Dropout, Train
from clintune.tasks.items import Totals
from clintune.training.learner import Learner
from clintune.training.losses import criterion_of

OUTPUTS = Outputs("entities", ("O", "B-Drug", "I-Drug"), 32, 8)
NONE = Dropout(hidden=0.0, attention=0.0)


def prepared(network: Network, section: Train, *, steps: int) -> Learner:
    criterion = criterion_of(section.loss, OUTPUTS, Totals(9.0, (6.0, 1.0, 2.0)))
    return Learner.prepare(
        network, criterion, section, steps=steps, compute=Compute(torch.device("cpu"), bf16=False)
    )


def difference(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> float:
    return max(float((one[name] - two[name]).abs().max()) for name in one)


@pytest.mark.parametrize("seed", [3, 4])
def test_fresh_weights_depend_on_the_seed_alone(tiny, seed):
    torch.manual_seed(999)
    one = build(tiny.model, OUTPUTS, seed=seed, dropout=tiny.train.dropout).state_dict()
    torch.rand(5)
    two = build(tiny.model, OUTPUTS, seed=seed, dropout=tiny.train.dropout).state_dict()
    assert difference(one, two) == 0
    assert (
        difference(one, build(tiny.model, OUTPUTS, seed=seed + 1, dropout=tiny.train.dropout).state_dict())
        > 0
    )


def test_biases_and_norms_are_not_decayed(tiny):
    network = build(tiny.model, OUTPUTS, seed=3, dropout=tiny.train.dropout)
    learner = prepared(network, tiny.train, steps=1)
    decayed, kept = learner.optimizer.param_groups
    assert all(tensor.ndim > 1 for tensor in decayed["params"])
    assert all(tensor.ndim == 1 for tensor in kept["params"])
    assert (decayed["weight_decay"], kept["weight_decay"]) == (tiny.train.optimizer.weight_decay, 0.0)


def test_dropout_overrides_the_base_models_and_null_leaves_it(tiny):
    own = build(tiny.model, OUTPUTS, seed=3, dropout=Dropout(hidden=None, attention=None))
    assert own.encoder.config.hidden_dropout_prob == own.encoder.config.attention_probs_dropout_prob == 0.1
    set_here = build(tiny.model, OUTPUTS, seed=3, dropout=Dropout(hidden=0.3, attention=0.0))
    shares = {
        name: module.p for name, module in set_here.named_modules() if isinstance(module, torch.nn.Dropout)
    }
    attention = {share for name, share in shares.items() if "attention.self" in name}
    assert attention <= {0.0}
    assert {share for name, share in shares.items() if "attention.self" not in name} == {0.3}
    assert set_here.encoder.config.attention_probs_dropout_prob == 0.0


def test_a_model_without_such_a_dropout_says_so(tiny, monkeypatch):
    from clintune import networks

    monkeypatch.setitem(networks._DROPOUTS, "attention", ("nobody_calls_it_this",))
    with pytest.raises(
        ModelError, match=r"train\.dropout\.attention: a model of type bert has none; set null"
    ):
        build(tiny.model, OUTPUTS, seed=3, dropout=NONE)
