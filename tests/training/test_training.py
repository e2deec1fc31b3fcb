"""Training on a tiny network: what it learns, and what must not change the result."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from clintune.devices import prepare
from clintune.examples import Example, Span
from clintune.files import read_json, sha256, write_json
from clintune.inference import predictions
from clintune.params import Params
from clintune.tables import SPANS, read_examples, write_examples
from clintune.tasks.scorers import SCORERS
from clintune.tokenization import tokenize
from clintune.training import train

CPU = torch.device("cpu")
DRUGS = ("aspirin", "metformin", "warfarin", "insulin")
FILES = ("model.safetensors", "config.json", "outputs.json", "params.json", "tokenizer.json", "training.csv")


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
def fine_tune(folders: Folders, tiny: Params, tmp_path: Path) -> Callable[..., Path]:
    """Train with some keys of the section train changed; returns the checkpoint."""

    def run(name: str, report=lambda values, step: None, **changes) -> Path:
        quick = {"epochs": 2, "batch_tokens": 256, "log_every": 2, "learning_rate": 0.003, "patience": 9,
                 "validations_per_epoch": 1}  # fmt: skip
        params = tiny.model_copy(update={"train": tiny.train.model_copy(update=quick | changes)})
        checkpoint = tmp_path / name
        places = {"windows": folders.windows, "examples": folders.examples, "checkpoint": checkpoint}
        train(params, prepare(params.numerics), **places, report=report)
        return checkpoint

    return run


def sums(checkpoint: Path) -> dict[str, str]:
    return {path.name: sha256(path) for path in checkpoint.iterdir()}


def test_the_same_inputs_give_the_same_bytes(fine_tune):
    first, second = fine_tune("first"), fine_tune("second")
    assert sums(first) == sums(second)
    assert set(FILES) <= set(sums(first))


def test_a_network_that_learns_finds_the_mentions(fine_tune, folders, tiny):
    checkpoint = fine_tune("learned", epochs=20, learning_rate=0.01)
    gold = read_examples(folders.examples / "test.parquet", SPANS)
    found = predictions(checkpoint, folders.windows / "test.parquet", device=CPU, batch_tokens=512)
    pairs = [(one.target, two.target) for one, two in zip(gold, found, strict=True)]
    assert SCORERS["entities"].score(pairs)["f1"] > 0.9


def test_the_kept_weights_are_those_of_the_best_validation(fine_tune):
    scores: list[tuple[float, int]] = []

    def report(values, step):
        if "validation/f1" in values:
            scores.append((values["validation/f1"], step))

    fine_tune("best", report, epochs=6, learning_rate=0.01)
    assert len(scores) == 6
    rows = (line.split(",") for line in read_lines(fine_tune("again", epochs=6, learning_rate=0.01)))
    assert [(float(row[-1]), int(row[0])) for row in rows] == scores


def test_the_checkpoint_holds_the_weights_of_the_best_validation_not_the_last(fine_tune, folders, tiny):
    """A gain as large as the scale counts the first validation alone as the best."""
    scores: list[float] = []

    def report(values, step):
        scores.extend(value for name, value in values.items() if name == "validation/f1")

    checkpoint = fine_tune("first", report, epochs=20, learning_rate=0.01, min_change=1.0, patience=11)
    gold = read_examples(folders.examples / "validation.parquet", SPANS)
    windows = folders.windows / "validation.parquet"
    found = predictions(checkpoint, windows, device=CPU, batch_tokens=512)
    pairs = [(one.target, two.target) for one, two in zip(gold, found, strict=True)]
    assert scores[0] < scores[-1] - 0.3
    assert SCORERS["entities"].score(pairs)["f1"] == scores[0]


def test_training_that_stops_before_its_first_row_of_the_curve_writes_one(fine_tune):
    rows = []

    def report(values, step):
        rows.extend(step for name in values if name == "train/loss")

    checkpoint = fine_tune("short", report, epochs=9, learning_rate=1e-9, patience=1, log_every=100_000)
    assert len(rows) == 1
    assert (checkpoint / "model.safetensors").exists()


def read_lines(checkpoint: Path) -> list[str]:
    return (checkpoint / "validation.csv").read_text().splitlines()[1:]


def test_training_stops_when_patience_is_at_its_end(fine_tune):
    checkpoint = fine_tune("stopped", epochs=9, learning_rate=1e-9, patience=2)
    assert len(read_lines(checkpoint)) == 3


def test_validations_within_an_epoch_are_spread_over_it(fine_tune):
    checkpoint = fine_tune("often", epochs=1, validations_per_epoch=3)
    steps = [int(line.split(",")[0]) for line in read_lines(checkpoint)]
    assert len(steps) == 3
    assert steps == sorted(set(steps))


def test_the_checkpoint_names_the_params_that_made_it(fine_tune):
    params = read_json(fine_tune("named") / "params.json")
    assert set(params) == {"seed", "numerics", "model", "train"}


def test_speed_and_memory_are_reported_and_never_written(fine_tune):
    seen: set[str] = set()
    checkpoint = fine_tune("speed", lambda values, step: seen.update(values))
    assert {"train/tokens_per_second", "train/memory_mib", "train/loss"} <= seen
    assert "tokens_per_second" not in (checkpoint / "training.csv").read_text()


def test_a_loss_that_is_not_finite_stops_the_run(fine_tune, tmp_path):
    from clintune.errors import TrainingError

    with pytest.raises(TrainingError, match="not a finite number"):
        fine_tune("diverged", learning_rate=1e30, clip_norm=1e30, epochs=9, warmup=0.0)
    assert not (tmp_path / "diverged").exists()
