"""A tiny network, notes that it can learn, and a way to train it with other params."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from clintune.checkpoints import Outputs
from clintune.devices import prepare
from clintune.examples import Example, Span
from clintune.files import write_json
from clintune.networks import build
from clintune.params import Params
from clintune.tables import SPANS, write_examples
from clintune.tokenization import tokenize
from clintune.training.fine_tuning import train
from tests.interrupting import quick

DRUGS = ("aspirin", "metformin", "warfarin", "insulin")


@dataclass(frozen=True)
class Folders:
    """What the stages before training leave."""

    examples: Path
    windows: Path


def notes(count: int, first: int) -> list[Example[tuple[Span, ...]]]:
    """Notes that name a drug after the word takes."""
    found = []
    for number in range(first, first + count):
        drug = DRUGS[number % len(DRUGS)]
        text = (
            f"Visit {number}. The patient takes {drug} daily and feels {'well' if number % 3 else 'tired'}."
        )
        start = text.index(drug)
        found.append(Example(str(number), str(number), text, (Span(start, start + len(drug), "Drug"),)))
    return found


@pytest.fixture(scope="module")
def folders(tmp_path_factory, tiny: Params) -> Folders:
    root = tmp_path_factory.mktemp("walk")
    for split, count, first in (("train", 48, 0), ("validation", 8, 100), ("test", 8, 200)):
        write_examples(root / "examples" / f"{split}.parquet", notes(count, first), SPANS)
    write_json(root / "examples" / "summary.json", {"labels": ["Drug"]})
    section = tiny.tokenize.model_copy(update={"max_tokens": 32, "overlap": 8})
    tokenize(section, task="entities", model=tiny.model, examples=root / "examples", windows=root / "windows")
    return Folders(root / "examples", root / "windows")


@pytest.fixture
def start(folders: Folders, tiny: Params) -> dict[str, torch.Tensor]:
    """The weights before the first step."""
    outputs = Outputs.read(folders.windows / "outputs.json")
    return build(tiny.model, outputs, seed=tiny.seed, dropout=tiny.train.dropout).state_dict()


@pytest.fixture
def fine_tune(folders: Folders, tiny: Params, tmp_path: Path) -> Callable[..., Path]:
    """Train with some keys of the section train changed; returns the checkpoint."""

    def run(name: str, report=lambda values, step: None, *, origin=None, **changes) -> Path:
        params = quick(tiny, **changes)
        checkpoint = tmp_path / name
        places = {"windows": folders.windows, "examples": folders.examples, "checkpoint": checkpoint}
        train(
            params, prepare(params.numerics, params.train.precision), **places, report=report, origin=origin
        )
        return checkpoint

    return run
