"""Two encoders in one network: an own one, pretrained on the notes, beside the base model."""

import pytest
import torch

from clintune.devices import prepare
from clintune.inference import predictions
from clintune.params import Params
from clintune.pretraining import pretrain
from clintune.tables import SPANS, read_examples
from clintune.tasks.scorers import SCORERS
from clintune.tokenization import tokenize
from clintune.training import train

CPU = torch.device("cpu")
SIZES = {"layers": 2, "hidden": 16, "heads": 2, "intermediate": 32}
FULL = {"kind": "full"}


def section(tiny: Params, **changes) -> dict:
    quick = {
        "epochs": 3,
        "batch_tokens": 256,
        "log_every": 2,
        "learning_rate": 0.01,
        "validations_per_epoch": 1,
    }
    return tiny.train.model_copy(update=quick | changes).model_dump()


@pytest.fixture(scope="module")
def own(tiny, folders, tmp_path_factory):
    """A folder with an encoder of two thin layers, and the section that made it."""
    folder = tmp_path_factory.mktemp("own") / "pretrained"
    stopping = {**tiny.train.stopping.model_dump(), "metric": "loss", "patience": 9}
    made = {"vocabulary": {"size": 200, "lowercase": True}, "sizes": SIZES, "max_tokens": 24, "masked": 0.15,
            "train": section(tiny, epochs=4) | {"stopping": stopping}}  # fmt: skip
    params = Params.model_validate({**tiny.model_dump(), "pretrain": {"notes": made}})
    compute = {"notes": prepare(params.numerics)}
    pretrain(params, compute, examples=folders.examples, pretrained=folder, report=lambda values, step: None)
    return folder


@pytest.fixture(scope="module")
def hybrid(tiny, own):
    """Params with the own encoder as companion."""

    def make(fusion: str = "gate", base: dict = FULL, companion: dict = FULL, **changes) -> Params:
        nothing = {"revision": None, "tokenizer_sha256": None, "config_sha256": None, "weights_sha256": None,
                   "scratch": None}  # fmt: skip
        other = {"source": "pretrained", "name": str(own / "notes"), **nothing}
        strategy = {
            "kind": "hybrid",
            "encoders": [
                {"strategy": base, "learning_rate": 0.003},
                {"strategy": companion, "learning_rate": 0.01},
            ],
        }
        tree = tiny.model_dump()
        tree["model"] |= {"companions": [other], "fusion": fusion}
        tree["train"] = section(tiny, **changes) | {"strategy": strategy}
        tree["tokenize"] |= {"max_tokens": 32, "overlap": 8}
        return Params.model_validate(tree)

    return make


@pytest.fixture(scope="module")
def windows(hybrid, folders, tmp_path_factory):
    params, made = hybrid(), tmp_path_factory.mktemp("hybrid") / "windows"
    tokenize(params.tokenize, task="entities", model=params.model, examples=folders.examples, windows=made)
    return made


def fine_tune(params, folders, windows, checkpoint):
    places = {"windows": windows, "examples": folders.examples, "checkpoint": checkpoint}
    train(params, prepare(params.numerics), **places, report=lambda values, step: None)
    return checkpoint


def test_it_learns(hybrid, folders, windows, tmp_path):
    checkpoint = fine_tune(hybrid(epochs=12), folders, windows, tmp_path / "checkpoint")
    gold = read_examples(folders.examples / "test.parquet", SPANS)
    found = predictions(checkpoint, windows / "test.parquet", device=CPU, batch_tokens=512)
    pairs = [(one.target, two.target) for one, two in zip(gold, found, strict=True)]
    assert SCORERS["entities"].score(pairs)["f1"] > 0.9
