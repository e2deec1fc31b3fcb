"""A training that SIGKILL ends at any moment, and that is started again, leaves what it always leaves."""

import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import cycle
from pathlib import Path

import pytest

from tests.interrupting import NEVER, RUNS, Ended, Training
from tests.killing import until

pytestmark = pytest.mark.timeout(3000)

SEED = 20
"""Decides which training is killed how often, how often it writes a state, and each moment."""

EVERY = (0, 0.05)
"""Seconds between two states."""


@dataclass(frozen=True)
class Known:
    """A training, what it leaves when nobody disturbs it, and for how long it trains.

    That depends on the seconds between two states.
    """

    training: Training
    ended: Ended
    seconds: Mapping[float, float]


@dataclass(frozen=True)
class Start:
    """One start: whether it went on from a state, and whether it was killed, and then while it wrote one."""

    resumed: bool
    killed: bool
    writing: bool


@pytest.fixture(scope="module")
def known(folders, tiny, tmp_path_factory) -> Callable[[str], Known]:
    """The training of this name."""
    root = tmp_path_factory.mktemp("known")

    @cache
    def one(name: str) -> Known:
        return known_of(Training.of(name, tiny, folders, root / name))

    return one


def known_of(training: Training) -> Known:
    """With states and without, it leaves the same."""
    ended, seconds = training.ended(every=NEVER), {}
    for every in EVERY:
        process = training.start(every=every)
        until(lambda: training.trains)
        began = time.monotonic()
        process.join(120)
        assert training.outcome() == ended
        assert not training.resumed, "the seconds would be those of a part"
        seconds[every] = time.monotonic() - began
    return Known(training, ended, seconds)


def half_written(training: Training) -> bool:
    """Whether a state is being written, or was when its writer died."""
    try:
        return any(name.endswith(".draft") for name in os.listdir(training.states))  # noqa: PTH208
    except FileNotFoundError:  # the training is at its end
        return False


def start_and_kill(known: Known, dice: random.Random) -> Start:
    """Start, and send SIGKILL at a random moment of training, or within the next writing of a state.

    A training that is at its end before must have left what it always leaves.
    """
    training, aims_at_writing = known.training, dice.random() < 2 / 3
    every = dice.choice(EVERY)
    process = training.start(every=every)
    until(lambda: training.trains)
    time.sleep(dice.uniform(0, known.seconds[every] * training.left))
    if aims_at_writing:
        while not half_written(training) and process.is_alive():
            pass
        time.sleep(0.016 * dice.random() ** 3)  # on a fast disk a state is written in a few milliseconds
    process.kill()
    process.join()
    if process.exitcode == 0:
        assert training.outcome() == known.ended
        return Start(training.resumed, killed=False, writing=False)
    assert process.exitcode == -9, training.said
    return Start(training.resumed, killed=True, writing=half_written(training))


def starts_of(known: Known, dice: random.Random, *, kills: int) -> list[Start]:
    """Kill a training so many times, each time within what the last kill left of it; then let it end."""
    starts: list[Start] = []
    while sum(one.killed for one in starts) < kills:
        starts.append(start_and_kill(known, dice))
    assert known.training.ended() == known.ended
    return [*starts, Start(known.training.resumed, killed=False, writing=False)]


def kill_trainings(known: list[Known], root: Path, *, kills: int) -> list[Start]:
    """Each in turn, killed one to four times and then let to its end, until all kills are done."""
    starts: list[Start] = []
    for number, one in enumerate(cycle(known)):
        left = kills - sum(start.killed for start in starts)
        if not left:
            break
        dice = random.Random(f"{SEED}, {number}")
        here = replace(one, training=one.training.at(root / f"{number}"))
        try:
            starts += starts_of(here, dice, kills=min(dice.randint(1, 4), left))
        except AssertionError as error:
            error.add_note(f"seed {SEED}, training {number}")
            raise
    return starts


def expect_kills_of_both_kinds(starts: list[Start]) -> str:
    """At least a third while a state was written; at least half could go on from a whole state."""
    kills = sum(one.killed for one in starts)
    writing = sum(one.writing for one in starts)
    resumed = sum(one.resumed for one in starts)
    figures = f"{kills} kills in {len(starts)} starts, {writing} within a state, {resumed} starts resumed"
    assert writing * 3 >= kills, figures
    assert resumed * 2 >= kills, figures
    return figures


def test_a_training_that_is_killed_leaves_the_same_bytes_and_numbers(known, tmp_path):
    kill_trainings([known("with dropout")], tmp_path, kills=3)


@pytest.mark.slow
def test_a_training_that_is_killed_200_times_leaves_the_same_bytes_and_numbers(known, tmp_path, capsys):
    starts = kill_trainings([known(name) for name in RUNS], tmp_path, kills=200)
    figures = expect_kills_of_both_kinds(starts)
    with capsys.disabled():
        print(f"\n{figures}")
