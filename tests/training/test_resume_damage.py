"""A damaged state is named and passed over for the newest whole one, or for the beginning."""

import json
import random
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from clintune.devices import prepare
from clintune.files import read_json
from clintune.tracking.run import Origin
from clintune.training.course import Course
from clintune.training.fine_tuning import train
from clintune.training.resuming import Keeper
from tests.damaging import DAMAGES, Spares
from tests.interrupting import NEVER, RUNS, Ended, Training

pytestmark = pytest.mark.timeout(3000)

SEED = 7
LAST = 7
"""The step after which each run was broken off; its states are those after this step and the one before."""

State = tuple[dict[str, Tensor], dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Run:
    """A run that was broken off: its states, and a course that can take them up, with how it begins."""

    name: str
    training: Training
    states: Path
    course: Course
    beginning: State

    def taken(self, states: Path) -> State:
        """What a run that finds these states goes on from."""
        self.course.restore(*self.beginning)
        self.keeper(states).resume(self.course)
        return state_of(self.course)

    def keeper(self, states: Path) -> Keeper:
        params = self.training.params
        facts = prepare(params.numerics, params.train.precision).facts()
        return Keeper(Origin({**self.training.made_from, **facts}, states), every=0)


class Built(Exception):  # noqa: N818
    """A training has come as far as its first step."""


def course_of(training: Training) -> Course:
    """As train builds it."""
    built: list[Course] = []

    def fit(course, *_, **__):
        built.append(course)
        raise Built

    with pytest.MonkeyPatch.context() as patch, suppress(Built):
        patch.setattr("clintune.training.fine_tuning.fit", fit)
        train(
            training.params, prepare(training.params.numerics, training.params.train.precision),
            windows=training.windows, examples=training.examples, checkpoint=training.root / "unused",
            report=lambda values, step: None,
        )  # fmt: skip
    return built[0]


def state_of(course: Course) -> State:
    tensors = {name: tensor.clone() for name, tensor in course.tensors().items()}
    return tensors, json.loads(json.dumps(course.facts()))


def read_state(folder: Path) -> State:
    return load_file(folder / "state.safetensors"), read_json(folder / "state.json")


def equal(one: State, other: State) -> bool:
    """To the last bit."""
    return (
        one[1] == other[1]
        and one[0].keys() == other[0].keys()
        and all(torch.equal(tensor, other[0][name]) for name, tensor in one[0].items())
    )


@pytest.fixture(scope="module")
def runs(folders, tiny, tmp_path_factory) -> dict[str, Run]:
    root = tmp_path_factory.mktemp("broken off")
    made = {}
    for name in RUNS:
        training = Training.of(name, tiny, folders, root / name)
        course = course_of(training)
        made[name] = Run(name, training, training.stopped(LAST), course, state_of(course))
    return made


@dataclass(frozen=True)
class Case:
    """A run whose states at `states` are damaged: those named, by the damage of this name."""

    name: str
    run: Run
    states: Path
    damaged: frozenset[str]

    @property
    def newest_whole(self) -> str | None:
        return max((one.name for one in self.states.iterdir() if one.name not in self.damaged), default=None)

    @property
    def expected(self) -> State:
        whole = self.newest_whole
        return self.run.beginning if whole is None else read_state(self.run.states / whole)


def content(state: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in state.iterdir()}


def case_of(runs: dict[str, Run], number: int, root: Path) -> Case:
    """Kinds of damage in turn, runs in turn; dice for the rest: most often the newest state, or both."""
    dice = random.Random(f"{SEED}, {number}")
    kind = list(DAMAGES)[number % len(DAMAGES)]
    run = runs[list(RUNS)[number // len(DAMAGES) % len(RUNS)]]
    states = root / "states"
    shutil.copytree(run.states, states)
    older, newest = sorted(run.states.iterdir())
    strangers = [state for other in runs.values() if other is not run for state in other.states.iterdir()]
    damaged = dice.choices([[newest], [older], [older, newest]], [6, 1, 3])[0]
    for state in damaged:
        sibling = older if state is newest else newest
        DAMAGES[kind](states / state.name, Spares(sibling, sorted(strangers)), dice)
        assert content(states / state.name) != content(state), "no damage"
    return Case(f"seed {SEED}, case {number}: {kind}", run, states, frozenset(one.name for one in damaged))


def cases(runs: dict[str, Run], numbers: range, root: Path) -> Iterator[Case]:
    for number in numbers:
        case = case_of(runs, number, root / f"{number}")
        yield case
        shutil.rmtree(root / f"{number}")


def named(said: str) -> set[str]:
    """The states that are said not to be used."""
    lines = [line.split() for line in said.splitlines() if "is not used" in line]
    return {words[words.index("Checkpoint") + 1] for words in lines}


def expect_none_accepted(runs: dict[str, Run], root: Path, capsys, *, count: int) -> None:
    for case in cases(runs, range(count), root):
        state, said = case.run.taken(case.states), capsys.readouterr().err
        assert equal(state, case.expected), case.name
        looked_at = {name for name in case.damaged if name > (case.newest_whole or "")}
        assert named(said) == looked_at, case.name
        assert ("Resumed" in said) == (case.newest_whole is not None), case.name


def expect_the_same_end(runs: dict[str, Run], root: Path, *, count: int) -> None:
    """Cases a prime apart, so that all kinds of damage and all runs come up."""

    @cache
    def whole(run: Run) -> Ended:
        return run.training.at(root / run.name).ended(every=NEVER)

    for number in range(0, 41 * count, 41):
        case = case_of(runs, number, root / f"{number}")
        training = case.run.training.at(root / f"{number}")
        training.states.parent.mkdir()
        case.states.rename(training.states)
        assert training.ended(every=NEVER) == whole(case.run), case.name


def test_a_whole_state_is_taken_up_to_the_last_bit(runs):
    for run in runs.values():
        newest = max(run.states.iterdir())
        assert newest.name == f"step-{LAST:09}"
        assert equal(run.taken(run.states), read_state(newest))
        assert not equal(run.taken(run.states), run.beginning)


def test_a_damaged_state_is_passed_over(runs, tmp_path, capsys):
    expect_none_accepted(runs, tmp_path, capsys, count=160)


@pytest.mark.slow
def test_none_of_1000_damaged_states_is_accepted(runs, tmp_path, capsys):
    expect_none_accepted(runs, tmp_path, capsys, count=1000)


def test_a_run_whose_state_was_damaged_ends_with_the_same_bytes(runs, tmp_path):
    expect_the_same_end(runs, tmp_path, count=2)


@pytest.mark.slow
def test_40_runs_whose_states_were_damaged_end_with_the_same_bytes(runs, tmp_path):
    expect_the_same_end(runs, tmp_path, count=40)


def test_useless_states_of_later_steps_do_not_push_out_new_ones(runs, tmp_path):
    run = runs["with dropout"]
    training = run.training.at(tmp_path)
    shutil.copytree(run.states, training.states)
    for state in training.states.iterdir():
        (state / "state.json").unlink()
    training.stopped(3)
    assert sorted(one.name for one in training.states.iterdir()) == ["step-000000002", "step-000000003"]
    assert training.ended() == run.training.at(tmp_path / "whole").ended()
    assert "Resumed after step 3." in training.said


def test_what_a_killed_run_left_half_written_is_removed(runs, tmp_path):
    run = runs["with dropout"]
    draft = tmp_path / "states" / ".step-000000009.draft"
    shutil.copytree(run.states, draft.parent)
    draft.mkdir()
    run.taken(draft.parent)
    assert not draft.exists()
