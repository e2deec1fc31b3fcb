"""The verdict on curves that are drawn so that a person would say the same."""

import pytest

from clintune.training.verdict import judge

FALLING = (2.0, 1.0, 0.6, 0.4, 0.3, 0.2)
RISING = (0.30, 0.50, 0.65, 0.75, 0.82, 0.88)
FLAT_AT_THE_END = (0.30, 0.60, 0.80, 0.82, 0.821, 0.822)


def verdict(losses, scores, validation_losses, *, metric="f1", stopped=False):
    training = [{"step": 10.0 * (index + 1), "loss": loss} for index, loss in enumerate(losses)]
    validation = [
        {"step": 10.0 * (index + 1), "f1": score, "loss": loss}
        for index, (score, loss) in enumerate(zip(scores, validation_losses, strict=True))
    ]
    return judge(training, validation, metric, metric == "loss", stopped=stopped)


@pytest.mark.parametrize(
    ("curves", "stopped", "word"),
    [
        ((FALLING, RISING, FALLING), False, "still improving"),
        ((FALLING, FLAT_AT_THE_END, FALLING), False, "converged"),
        ((FALLING, FLAT_AT_THE_END, FALLING), True, "plateaued"),
        ((FALLING, (0.3, 0.7, 0.8, 0.75, 0.7, 0.68), (1.0, 0.7, 0.6, 0.8, 1.0, 1.2)), False, "overfitting"),
        (((2.0, 1.5, 2.5, 3.0), (0.1, 0.1, 0.0, 0.0), (2.0, 2.0, 3.0, 4.0)), False, "diverged"),
        (((2.0, 1.0), (0.1, 0.5), (1.5, 1.0)), False, "too short to tell"),
    ],
)
def test_the_verdict_on_a_curve(curves, stopped, word):
    assert verdict(*curves, stopped=stopped).word == word


def test_overfitting_names_the_step_it_began_at_and_the_numbers():
    found = verdict(FALLING, (0.3, 0.7, 0.8, 0.75, 0.7, 0.68), (1.0, 0.7, 0.6, 0.8, 1.0, 1.2))
    assert found.since == 30
    assert str(found).startswith("overfitting: from step 30 on the loss on train fell")
    assert "validation loss, lowest 0.6, validation loss, last 1.2" in str(found)


def test_a_rising_loss_beside_a_score_that_still_gains_is_no_overfitting():
    """Common for entities: the model grows too sure of its errors while it finds more."""
    assert verdict(FALLING, RISING, (1.0, 0.7, 0.6, 0.8, 1.0, 1.2)).word == "still improving"


def test_the_loss_itself_can_be_what_is_judged():
    assert verdict(FALLING, RISING, FALLING, metric="loss").word == "still improving"
