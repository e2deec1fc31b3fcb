"""The running mean of the weights: what it is, that it is kept, and that training goes on without it."""

import csv

import pytest
import torch

from clintune.training.averaging import RunningMean
from clintune.training.learner import Learner
from tests.checkpoints import f1, weights


@pytest.fixture
def seen(monkeypatch) -> list[dict[str, torch.Tensor]]:
    """The weights after each step."""
    found: list[dict[str, torch.Tensor]] = []
    learn = Learner.learn

    def watched(learner, batches):
        learned = learn(learner, batches)
        found.append(learner.snapshot())
        return learned

    monkeypatch.setattr(Learner, "learn", watched)
    return found


def by_hand(steps: list[torch.Tensor], start: torch.Tensor, decay: float) -> torch.Tensor:
    """Each step's share of the mean, in float64."""
    mean = start.double()
    for number, weight in enumerate(steps, start=1):
        kept = min(decay, (1 + number) / (10 + number))
        mean = kept * mean + (1 - kept) * weight.double()
    return mean


@pytest.mark.parametrize("decay", [0.5, 0.999])
def test_it_is_what_the_formula_says(decay):
    generator = torch.Generator().manual_seed(3)
    start, *steps = [torch.randn(4, 3, generator=generator) for _ in range(40)]
    running = RunningMean({"w": start}, decay)
    for number, weight in enumerate(steps, start=1):
        running.update({"w": weight}, step=number)
    torch.testing.assert_close(running.tensors["w"], by_hand(steps, start, decay).float())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_mean_is_kept_and_the_weights_go_their_way(fine_tune, seen, start, precision):
    alike = {"epochs": 3, "precision": precision}
    plain, alone = fine_tune("plain", **alike), list(seen)
    seen.clear()
    checkpoint = fine_tune("averaged", **alike, averaging=0.9, restore="last")
    for one, two in zip(alone, seen, strict=True):
        assert all(torch.equal(one[name], two[name]) for name in one)
    kept = weights(checkpoint)
    for name in set(kept) - {"encoder.embeddings.word_embeddings.weight"}:  # there only tokens in use
        steps = [one[name] for one in seen]
        torch.testing.assert_close(kept[name], by_hand(steps, start[name], 0.9).float())
    assert (plain / "training.csv").read_bytes() == (checkpoint / "training.csv").read_bytes()


def test_the_mean_is_what_is_validated(fine_tune, folders):
    """Half learnt, where it lags behind the weights: its scores are others."""
    half, rows = {"epochs": 2, "validations_per_epoch": 3, "restore": "last"}, {}
    for averaging in (None, 0.95):
        checkpoint = fine_tune(f"{averaging}", **half, averaging=averaging)
        with (checkpoint / "validation.csv").open() as stream:
            rows[averaging] = [float(row["f1"]) for row in csv.DictReader(stream)]
    assert rows[0.95][-1] == f1(checkpoint, folders, "validation")
    assert rows[0.95] != rows[None]
