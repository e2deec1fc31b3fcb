"""LoRA: it begins as the base model, trains A, B and the head alone, and ends as an ordinary checkpoint."""

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModel

from clintune.checkpoints import Outputs
from clintune.devices import prepare
from clintune.errors import ModelError
from clintune.networks import Network, build, load
from clintune.params import Lora, Train
from clintune.tables import SPANS, read_predictions
from clintune.training.acceleration import accelerate_network
from clintune.training.adapters import add_adapters, merge_adapters
from clintune.training.census import label_totals
from clintune.training.dropout import Dropout
from clintune.training.losses import criterion_of
from clintune.training.validation import validation
from tests.checkpoints import moved, sums, weights
from tests.encoders import IDS, KINDS, MASK, encoder, states_of
from tests.walk import walk

LORA = Lora(kind="lora", rank=2, alpha=6, dropout=0.2, targets=("*.query", "*.layer.1.*.dense"))
ALL = LORA.model_copy(update={"targets": ("*",)})
LAYER = "encoder.encoder.layer"
TARGETS = {
    *(f"{LAYER}.{layer}.attention.self.query.weight" for layer in (0, 1)),
    *(f"{LAYER}.1.{name}.dense.weight" for name in ("attention.output", "intermediate", "output")),
}
HEAD = {"head.linear.weight", "head.linear.bias"}


def by(lora: Lora) -> Train:
    """Of the section only what says how each encoder is trained."""
    return Train.model_construct(strategy=lora, learning_rate=0.1)


class Head(nn.Linear):
    """One number per token."""

    def forward(self, states, mask):
        return super().forward(states)


def network_of(kind: str) -> Network:
    return Network(encoder(kind), Head(16, 1))


def adapted(kind: str, seed: int = 3) -> Network:
    network = network_of(kind)
    add_adapters(network, by(ALL), seed=seed)
    return network.eval()


def tensors(network: Network, part: str) -> dict[str, torch.Tensor]:
    """Copies of those whose name has a part."""
    return {name: one.detach().clone() for name, one in network.named_parameters() if part in name}


@pytest.mark.parametrize("kind", KINDS)
def test_before_the_first_step_the_states_are_those_of_the_base_model(kind):
    network = adapted(kind)
    assert len(tensors(network, ".lora_B.")) >= 8
    assert torch.equal(states_of(network.encoder), states_of(encoder(kind).eval()))


@pytest.mark.parametrize("kind", KINDS)
def test_the_merged_network_computes_what_the_network_with_adapters_did_and_has_the_base_models_names(kind):
    network = adapted(kind)
    with torch.no_grad():
        for name, one in network.named_parameters():
            if ".lora_B." in name:
                one.normal_(0, 0.1)
    wanted = network(IDS, MASK)
    merge_adapters(network, by(ALL))
    torch.testing.assert_close(network(IDS, MASK), wanted, rtol=0, atol=1e-5)
    base = network_of(kind).eval()
    assert not torch.allclose(base.encoder(IDS, MASK)[0], network.encoder(IDS, MASK)[0], atol=1e-2)
    assert {name: one.shape for name, one in network.state_dict().items()} == {
        name: one.shape for name, one in base.state_dict().items()
    }


def test_what_is_added_to_a_target_is_alpha_by_rank_times_b_times_a():
    network = adapted("bert")
    name = f"{LAYER}.1.output.dense"
    layer = network.get_submodule(name)
    with torch.no_grad():
        layer.lora_B["default"].weight.normal_()
    wanted = 3 * layer.lora_B["default"].weight @ layer.lora_A["default"].weight
    merge_adapters(network, by(ALL))
    added = network.get_submodule(name).weight - network_of("bert").get_submodule(name).weight
    torch.testing.assert_close(added, wanted)


def test_a_name_that_only_ends_like_a_target_is_none():
    network = network_of("bert")
    network.encoder.twin = nn.ModuleDict({"encoder": encoder("bert").encoder})
    pattern = f"{LAYER}.0.attention.self.query"
    add_adapters(network, by(LORA.model_copy(update={"targets": (pattern,)})), seed=3)
    assert set(tensors(network, "lora_B")) == {f"{pattern}.lora_B.default.weight"}


def test_the_seed_alone_decides_the_first_weights():
    first = tensors(adapted("bert"), "lora_")
    torch.manual_seed(999)
    assert moved(first, tensors(adapted("bert"), "lora_")) == set()
    assert moved(first, tensors(adapted("bert", seed=4), "lora_")) == {
        name for name in first if "lora_A" in name
    }


def test_the_dropout_of_adapters_is_the_cheap_one_too(tiny):
    network = build(tiny.model, Outputs("entities", ("O",), 32, 8), seed=3, dropout=tiny.train.dropout)
    add_adapters(network, by(LORA), seed=3)
    accelerate_network(network, prepare(tiny.numerics), [[0, 1]])
    drops = [one for name, one in network.named_modules() if name.endswith("lora_dropout.default")]
    assert [(type(one), one.p) for one in drops] == [(Dropout, LORA.dropout)] * len(TARGETS)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_is_no_target_and_no_head_is_the_base_models_to_the_bit(fine_tune, start, precision):
    made = weights(fine_tune("adapted", strategy=LORA, precision=precision))
    assert moved(start, made) == TARGETS | HEAD
    assert {name: one.shape for name, one in made.items()} == {name: one.shape for name, one in start.items()}


def test_a_change_of_a_target_has_the_rank_of_its_adapter(fine_tune, start):
    made = weights(fine_tune("adapted", strategy=LORA))
    assert {int(torch.linalg.matrix_rank(made[name] - start[name], atol=1e-5)) for name in TARGETS} == {2}


def test_the_checkpoint_has_the_loss_on_validation_that_training_saw(fine_tune, folders, tiny):
    seen: list[float] = []

    def report(values, step):
        seen.extend(value for name, value in values.items() if name == "validation/loss")

    made = fine_tune("adapted", report, strategy=LORA, restore="last", epochs=4, learning_rate=0.01)
    outputs = Outputs.read(made / "outputs.json")
    totals = label_totals(folders.windows / "train.parquet", outputs)
    criterion = criterion_of(tiny.train.loss, outputs, totals)
    files = {name: getattr(folders, name) / "validation.parquet" for name in ("windows", "examples")}
    validate = validation(load(made, outputs), criterion, outputs, **files, batch_tokens=256)
    assert validate()["loss"] == pytest.approx(seen[-1], rel=1e-5)
    assert seen[-1] < 0.9 * seen[0]


def test_the_curve_counts_the_parameters_of_adapters_and_head(fine_tune, start):
    seen: list[float] = []

    def report(values, step):
        seen.extend(value for name, value in values.items() if name == "train/trained_parameters")

    fine_tune("counted", report, strategy=LORA)
    head = sum(start[name].numel() for name in HEAD)
    assert set(seen) == {sum(LORA.rank * sum(start[name].shape) for name in TARGETS) + head}


def test_the_same_inputs_give_the_same_bytes(fine_tune):
    assert sums(fine_tune("first", strategy=LORA)) == sums(fine_tune("second", strategy=LORA))


def test_a_pattern_that_fits_no_linear_layer_is_one_line(fine_tune):
    """Neither one of another module nor a misspelled one beside a good one."""
    for wrong in ("*.word_embeddings", "*.querry"):
        strategy = LORA.model_copy(update={"targets": ("*.query", wrong)})
        with pytest.raises(ModelError) as caught:
            fine_tune("wrong", strategy=strategy)
        assert str(caught.value) == (
            f"params.yaml: train.strategy.targets: no linear layer fits {wrong!r};"
            f" names are like {LAYER}.0.attention.self.query"
        )


def test_a_model_without_linear_layers_says_so():
    config = AutoConfig.for_model("gpt2", n_embd=16, n_layer=1, n_head=2)
    network = Network(AutoModel.from_config(config), Head(16, 1))
    with pytest.raises(ModelError, match=r"train\.strategy: a model of type gpt2 has no linear layers"):
        add_adapters(network, by(ALL), seed=3)


def test_evaluate_and_export_take_the_checkpoint_for_one_of_any_other_training(tiny, walked, tmp_path):
    strategy = Lora(kind="lora", rank=8, alpha=16, dropout=0.0, targets=("*",))
    section = tiny.train.model_copy(update={"strategy": strategy})
    made = walk(tiny.model_copy(update={"train": section}), tmp_path)
    found = read_predictions(made.folder("evaluation") / "predictions.parquet", SPANS)
    assert sum(len(one.target) for one in found) >= 6
    made.export(tmp_path / "bundle")
    assert "| `train.strategy.kind` | lora |" in (tmp_path / "bundle" / "MODEL_CARD.md").read_text()
    ours, full = weights(made.folder("checkpoint")), weights(walked.folder("checkpoint"))
    assert list(ours) == list(full)
