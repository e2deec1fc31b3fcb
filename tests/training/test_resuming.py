"""A run that was interrupted ends with the same bytes."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from clintune.errors import UserError
from clintune.params import Gradual, Lora, Sgd
from clintune.tracking.run import Origin
from clintune.training.resuming import keeper
from tests.checkpoints import sums

MADE_FROM = {"inputs": "a" * 64}
SGD = Sgd(kind="sgd", momentum=0.9, nesterov=False)
LORA = Lora(kind="lora", rank=2, alpha=6, dropout=0.2, targets=("*.query", "*.value"))


class Interrupted(Exception):  # noqa: N818
    """What stops a run in a test, at a step."""


@pytest.fixture
def often(monkeypatch) -> None:
    """A checkpoint after every step."""
    monkeypatch.setenv("CLINTUNE_CHECKPOINT_SECONDS", "0.000001")


@pytest.fixture
def interrupted(fine_tune, tmp_path, often) -> Callable[..., Path]:
    """Train until a step, and stop there as a crash would; returns the folder of the states."""

    def run(step: int, **changes) -> Path:
        origin = Origin(MADE_FROM, tmp_path / "resume" / "key")

        def report(values, at):
            if at >= step and "train/loss" in values:
                raise Interrupted

        with pytest.raises(Interrupted):
            fine_tune("broken off", report, origin=origin, log_every=1, **changes)
        return origin.folder

    return run


def into(reported: list[tuple[str, float, int]]) -> Callable[..., None]:
    return lambda values, at: reported.extend((*one, at) for one in values.items())


def rows(reported: list[tuple[str, float, int]]) -> set[tuple[str, float, int]]:
    """Without what is no property of the model."""
    return {one for one in reported if not one[0].endswith(("per_second", "memory_mib"))}


CASES = {
    "plain": {"epochs": 4},
    "with dropout": {"epochs": 3, "dropout": {"hidden": 0.3, "attention": 0.2}},
    "bf16": {"epochs": 3, "precision": "bf16"},
    "sgd": {"epochs": 3, "optimizer": SGD},
    "gradual": {"epochs": 4, "strategy": Gradual(
        kind="gradual", initially=0, every=1, unit="epoch", embeddings=True)},
    "thawing on plateaus": {"epochs": 6, "learning_rate": 1e-9, "strategy": Gradual(
        kind="gradual", initially=0, every=1, unit="plateau", embeddings=True)},
    "lora": {"epochs": 3, "strategy": LORA},
    "lora in bf16": {"epochs": 3, "strategy": LORA, "precision": "bf16"},
    "early stopping": {"epochs": 9, "learning_rate": 1e-9, "patience": 3},
    "accumulated": {"epochs": 3, "accumulation": 2, "batch_tokens": 128},
    "averaged": {"epochs": 4, "averaging": 0.9, "precision": "bf16", "strategy": Gradual(
        kind="gradual", initially=0, every=1, unit="epoch", embeddings=True)},
    "cosine": {"epochs": 3, "schedule": "cosine", "layer_decay": 0.5},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("step", [1, 5, 8])
def test_a_resumed_run_ends_with_the_bytes_and_the_curves_of_one_never_interrupted(
    fine_tune, interrupted, tmp_path, case, step, capsys
):
    changes = {"log_every": 1, **CASES[case]}
    reported: list[tuple[str, float, int]] = []
    whole = fine_tune("whole", into(reported), **changes)
    last = max(at for name, _, at in reported if name == "train/loss")
    again: list[tuple[str, float, int]] = []
    folder = interrupted(min(step, last), **CASES[case])
    resumed = fine_tune("resumed", into(again), origin=Origin(MADE_FROM, folder), **changes)
    assert sums(resumed) == sums(whole)
    assert rows(again) == rows(reported)
    assert "Resumed after step" in capsys.readouterr().err or step == 1
    assert list(folder.glob("step-*"))


@pytest.mark.parametrize("case", ["plain", "early stopping", "gradual"])
def test_a_run_that_came_to_its_end_and_was_not_sealed_ends_again_with_the_same_bytes(
    fine_tune, often, tmp_path, case, capsys
):
    """What it left goes when it is sealed: see tests/tracking/test_stage_records.py."""
    origin = Origin(MADE_FROM, tmp_path / "resume" / "key")
    changes = {"log_every": 1, **CASES[case]}
    whole = sums(fine_tune("whole", origin=origin, **changes))
    assert "Resumed" not in capsys.readouterr().err
    assert sums(fine_tune("again", origin=origin, **changes)) == whole
    assert "Resumed after step" in capsys.readouterr().err


def test_a_state_of_other_inputs_is_not_used(fine_tune, interrupted, capsys):
    folder = interrupted(5)
    fine_tune("other", origin=Origin({"inputs": "b" * 64}, folder))
    said = capsys.readouterr().err
    assert "Resumed" not in said
    assert "made from other inputs" in said


def test_two_states_are_kept_and_no_draft(interrupted):
    folder = interrupted(7, epochs=3)
    assert [one.name for one in sorted(folder.iterdir())] == ["step-000000005", "step-000000006"]


def test_a_state_holds_no_pickle(interrupted):
    newest = max(interrupted(3).glob("step-*"))
    assert {one.name for one in newest.iterdir()} == {"state.safetensors", "state.json", "manifest.json"}
    json.loads((newest / "state.json").read_text())


def test_a_disk_that_is_full_costs_the_checkpoint_and_not_the_run(
    fine_tune, tmp_path, often, monkeypatch, capsys
):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("clintune.training.resuming.save_file", full)
    whole = sums(fine_tune("whole"))
    origin = Origin(MADE_FROM, tmp_path / "resume" / "key")
    assert sums(fine_tune("full", origin=origin)) == whole
    assert "No checkpoint after step 1: [Errno 28] No space left on device. Training goes on." in (
        capsys.readouterr().err
    )


def test_states_that_nobody_came_back_to_are_removed_and_those_in_use_are_not(tmp_path):
    old, locked = tmp_path / "old", tmp_path / "old.lock"
    old.mkdir()
    locked.touch()
    for path in (old, locked):
        os.utime(path, (0, 0))
    with keeper(Origin(MADE_FROM, tmp_path / "key")), keeper(Origin(MADE_FROM, tmp_path / "another")):
        assert {one.name for one in tmp_path.iterdir()} == {"key", "key.lock", "another", "another.lock"}


def test_a_run_that_is_taken_up_after_a_week_keeps_its_own_states(tmp_path):
    origin, last_week = Origin(MADE_FROM, tmp_path / "key"), time.time() - 8 * 86_400
    state = origin.folder / "step-000000005"
    state.mkdir(parents=True)
    (tmp_path / "key.lock").touch()
    for path in (state, origin.folder, tmp_path / "key.lock"):
        os.utime(path, (last_week, last_week))
    with keeper(origin):
        assert [one.name for one in origin.folder.iterdir()] == [state.name]


def test_while_one_part_of_the_work_is_taken_up_the_states_of_the_next_stay(tmp_path):
    """The first encoder of two has come to its end a week ago, and the run broke off in the second."""
    origin, last_week = Origin(MADE_FROM, tmp_path / "key"), time.time() - 8 * 86_400
    stranger = tmp_path / "other-second"
    for folder in (origin.part("first").folder, origin.part("second").folder, stranger):
        (folder / "step-000000005").mkdir(parents=True)
        os.utime(folder, (last_week, last_week))
    with keeper(origin.part("first")):
        pass
    with keeper(origin.part("second")):
        assert list(origin.part("second").folder.iterdir())
    assert not stranger.exists()


def test_what_work_and_its_parts_left_is_discarded_and_nothing_else(tmp_path):
    origin = Origin(MADE_FROM, tmp_path / "key")
    ours = [origin.folder, origin.part("notes").folder, origin.part("other").folder]
    others = [tmp_path / name for name in ("key2", "another-key", "another")]
    for folder in (*ours, *others):
        (folder / "step-000000001").mkdir(parents=True)
    origin.discard()
    assert sorted(tmp_path.iterdir()) == sorted(others)
    origin.discard()  # nothing is there any more


@pytest.mark.parametrize("text", ["5min", "two", "1,5"])
def test_what_is_no_number_of_seconds_is_one_line(tmp_path, monkeypatch, text):
    monkeypatch.setenv("CLINTUNE_CHECKPOINT_SECONDS", text)
    with pytest.raises(UserError) as caught, keeper(Origin(MADE_FROM, tmp_path / "key")):
        pytest.fail("it began")
    said = f"CLINTUNE_CHECKPOINT_SECONDS: '{text}' is no number of seconds; set one, or unset it"
    assert str(caught.value) == said


def test_two_processes_with_the_same_inputs_do_not_share_a_state(tmp_path):
    origin = Origin(MADE_FROM, tmp_path / "key")
    with keeper(origin) as first, keeper(origin) as second:
        assert first is not None
        assert second is None
    with keeper(origin) as third:
        assert third is not None
