"""Training on a tiny network: what it learns, and what must not change the result."""

import csv
import math
from pathlib import Path

import pytest
import torch

from clintune.errors import TrainingError
from clintune.files import read_json
from clintune.params import Gradual, Partial
from tests.checkpoints import f1, moved, sums, weights

CPU = torch.device("cpu")
FILES = ("model.safetensors", "config.json", "outputs.json", "params.json", "tokenizer.json", "training.csv")


def test_the_same_inputs_give_the_same_bytes(fine_tune):
    first, second = fine_tune("first"), fine_tune("second")
    assert sums(first) == sums(second)
    assert set(FILES) <= set(sums(first))


def test_a_network_that_learns_finds_the_mentions(fine_tune, folders, tiny):
    checkpoint = fine_tune("learned", epochs=20, learning_rate=0.01)
    assert f1(checkpoint, folders, "test") > 0.9


def test_the_kept_weights_are_those_of_the_best_validation(fine_tune):
    scores: list[tuple[float, int]] = []

    def report(values, step):
        if "validation/f1" in values:
            scores.append((values["validation/f1"], step))

    fine_tune("best", report, epochs=6, learning_rate=0.01)
    assert len(scores) == 6
    with (fine_tune("again", epochs=6, learning_rate=0.01) / "validation.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(float(row["f1"]), int(row["step"])) for row in rows] == scores


def test_the_checkpoint_holds_the_weights_of_the_best_validation_not_the_last(fine_tune, folders, tiny):
    """A gain as large as the scale counts the first validation alone as the best."""
    scores: list[float] = []

    def report(values, step):
        scores.extend(value for name, value in values.items() if name == "validation/f1")

    checkpoint = fine_tune("first", report, epochs=20, learning_rate=0.01, min_change=1.0, patience=11)
    assert scores[0] < scores[-1] - 0.3
    assert f1(checkpoint, folders, "validation") == scores[0]


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


def test_a_loss_that_is_not_finite_stops_the_run_and_says_where(fine_tune, tmp_path):
    seen: list[float] = []
    with pytest.raises(TrainingError, match=r"^train, step \d+: .* not a finite number, at rows \d+, \d+"):
        fine_tune(
            "diverged", lambda values, step: seen.extend(values.values()),
            learning_rate=1e30, clip_norm=1e30, epochs=9, warmup=0.0,
        )  # fmt: skip
    assert not (tmp_path / "diverged").exists()
    assert all(map(math.isfinite, seen))


def test_the_loss_on_validation_can_choose_the_weights(fine_tune):
    """Lower is better there: with a rate that ruins the network after its first steps, the first is kept."""
    losses: list[float] = []

    def report(values, step):
        losses.extend(value for name, value in values.items() if name == "validation/loss")

    by_loss = fine_tune("loss", report, metric="loss", epochs=5, learning_rate=0.003)
    assert losses == sorted(losses, reverse=True)
    last = fine_tune("last", restore="last", epochs=5, learning_rate=0.003)
    assert moved(weights(by_loss), weights(last)) == set()


def test_the_last_weights_are_kept_where_params_say_so(fine_tune):
    kept = {"epochs": 4, "learning_rate": 0.01, "min_change": 1.0}
    assert moved(weights(fine_tune("best", **kept)), weights(fine_tune("last", restore="last", **kept)))


def test_what_partial_freezes_is_unchanged_to_the_bit_and_all_else_moves(fine_tune, start):
    partial = Partial(kind="partial", embeddings=True, layers=1, names=("head.linear.bias",))
    found = moved(start, weights(fine_tune("partial", strategy=partial)))
    every = set(start)
    frozen = {name for name in every if "embeddings" in name or "layer.0." in name} | {"head.linear.bias"}
    assert len(frozen) > 15
    assert found == every - frozen


def test_gradual_thaws_from_the_top_at_the_declared_steps(fine_tune, start):
    """Three steps an epoch; before the step after a thaw nothing below has moved."""
    gradual = Gradual(kind="gradual", initially=0, every=3, unit="step", embeddings=True)

    def parts(epochs: int) -> set[str]:
        after = weights(fine_tune(f"{epochs}", strategy=gradual, epochs=epochs, restore="last"))
        names = moved(start, after)
        return {"layer.0" if "layer.0" in name else "layer.1" if "layer.1" in name else name.split(".")[0]
                + ("" if "embeddings" not in name else ".embeddings") for name in names}  # fmt: skip

    assert parts(1) == {"head"}
    assert parts(2) == {"head", "layer.1"}
    assert parts(3) == {"head", "layer.1", "layer.0"}
    assert parts(4) == {"head", "layer.1", "layer.0", "encoder.embeddings"}


def test_how_many_parameters_are_trained_is_in_the_curve(fine_tune):
    seen: list[tuple[int, float]] = []

    def report(values, step):
        seen.extend((step, value) for name, value in values.items() if name == "train/trained_parameters")

    gradual = Gradual(kind="gradual", initially=1, every=1, unit="epoch", embeddings=False)
    fine_tune("counted", report, strategy=gradual, epochs=3, log_every=1)
    counts = [count for _, count in seen]
    assert len(counts) == 9
    assert counts[0] == counts[2] < counts[3] == counts[8]


def test_tokens_that_never_occur_keep_their_pretrained_rows(fine_tune, start):
    trained = weights(fine_tune("trained"))
    name = "encoder.embeddings.word_embeddings.weight"
    rows = (start[name] != trained[name]).any(dim=1)
    assert 20 < int(rows.sum()) < 200
    assert start[name].shape == trained[name].shape == (30522, 32)


def test_bf16_trains_and_keeps_weights_in_fp32(fine_tune):
    """A network of two thin layers is not hurt by seven bits; its weights are finer than they."""
    losses: list[float] = []

    def report(values, step):
        losses.extend(value for name, value in values.items() if name == "validation/loss")

    made = fine_tune("bf16", report, precision="bf16", epochs=8, learning_rate=0.01)
    assert losses[-1] < losses[0] / 2
    head = weights(made)["head.linear.weight"]
    assert head.dtype == torch.float32
    assert not torch.equal(head, head.bfloat16().float())
