"""Each system call of the writer of states fails once, or is its last: the old state is whole, or the new."""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal, TypeAlias

import pytest

from tests.interrupting import NEVER, Ended, Gate, Training

pytestmark = [
    pytest.mark.timeout(3000),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace, which makes calls fail, is not here"),
]

Fault: TypeAlias = Literal["KILL", "ENOSPC", "EIO"]
FAULTS: tuple[Fault, ...] = ("KILL", "ENOSPC", "EIO")

OLD, NEW = 4, 5
"""Steps. The writer of the state after NEW is the one that meets a fault."""

NO_FILE = {"mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "futex", "exit_group", "restart_syscall"}
"""Memory, and how the process waits and ends. A file that is mapped would be another matter."""


@dataclass(frozen=True)
class Point:
    """The call with this name and this number among those of the name, from 1, and what happens to it."""

    call: str
    number: int
    fault: Fault

    @property
    def options(self) -> list[str]:
        """For strace."""
        what = "signal=SIGKILL" if self.fault == "KILL" else f"error={self.fault}"
        return [f"--trace={self.call}", f"--inject={self.call}:{what}:when={self.number}"]


@dataclass(frozen=True)
class Writer:
    """A run before the writer that meets a fault; its calls in order; whole states by step; how it ends."""

    training: Training
    calls: Sequence[str]
    whole: Mapping[int, Mapping[str, bytes]]
    ended: Ended

    def points(self) -> list[Point]:
        """Every call with every fault."""
        seen = Counter[str]()
        numbered = []
        for call in self.calls:
            seen[call] += 1
            numbered.append((call, seen[call]))
        return [Point(call, number, fault) for (call, number), fault in product(numbered, FAULTS)]

    def whole_states(self, states: Path) -> list[int]:
        """The steps whose state is there to the last byte."""
        return [step for step, files in self.whole.items() if content(state(states, step)) == files]


def state(states: Path, step: int) -> Path:
    return states / f"step-{step:09}"


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def traced(training: Training, gate: Gate, *options: str) -> tuple[int | None, str]:
    """Let a start come to the gate, and go on from there under strace; how it ended, and its calls."""
    process, log = training.start(gate=gate), training.root / "calls"
    assert gate.arrived.wait(60), training.said
    command = ["strace", f"--output={log}", f"--attach={process.pid}", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        words = tracer.stderr.readline()
        gate.opened.set()
        if "attached" not in words:
            process.kill()
            pytest.skip(f"strace may not trace here: {words}")
        process.join(60)
    return process.exitcode, log.read_text(encoding="utf-8", errors="replace")


def copy_of(training: Training, root: Path) -> Training:
    """The same, with the same states, at another place."""
    there = training.at(root)
    shutil.copytree(training.states, there.states)
    return there


@pytest.fixture(scope="module")
def writer(folders, tiny, tmp_path_factory) -> Writer:
    """It writes in the place of a damaged state, so that it has that to remove, too."""
    root = tmp_path_factory.mktemp("faults")
    training = Training.of("with dropout", tiny, folders, root / "run", epochs=3)
    ended = training.at(root / "ended").ended(every=NEVER)
    after = training.at(root / "after").stopped(NEW)
    training.stopped(OLD)
    whole = {OLD: content(state(training.states, OLD)), NEW: content(state(after, NEW))}
    assert content(state(after, OLD)) == whole[OLD]
    shutil.copytree(state(after, NEW), state(training.states, NEW))
    (state(training.states, NEW) / "state.json").write_bytes(b"{")
    code, log = traced(copy_of(training, root / "watched"), Gate.before(NEW, ends=True))
    assert code == 0
    calls = re.findall(r"^(\w+)\(", log, re.MULTILINE)
    assert all("MAP_ANONYMOUS" in line for line in log.splitlines() if line.startswith("mmap("))
    return Writer(training, [call for call in calls if call not in NO_FILE], whole, ended)


def expect_a_whole_state(writer: Writer, point: Point, root: Path) -> None:
    """Then, that the run goes on to its end if it lives, and that another one can take up what is there."""
    training = copy_of(writer.training, root / "run")
    code, log = traced(training, Gate.before(NEW), *point.options)
    killed = point.fault == "KILL"
    assert code == (-9 if killed else 0), training.said
    assert log.count("killed by SIGKILL" if killed else "(INJECTED)") == 1, log
    states = training.states if killed else training.copied
    whole = writer.whole_states(states)
    assert OLD in whole
    if not killed:
        assert training.outcome() == writer.ended
        told = re.search(rf"No checkpoint after step {NEW}: .*\. Training goes on\.", training.said)
        assert NEW in whole or told, training.said
    another = training.at(root / "another")
    shutil.copytree(states, another.states)
    assert another.ended(every=NEVER) == writer.ended
    assert f"Resumed after step {max(whole)}." in another.said


def walk(writer: Writer, points: Sequence[Point], root: Path) -> None:
    for point in points:
        place = root / f"{point.call}-{point.number}-{point.fault}"
        try:
            expect_a_whole_state(writer, point, place)
        except AssertionError as error:
            error.add_note(f"{point}")
            raise
        shutil.rmtree(place)


def test_writing_syncing_and_renaming_are_among_the_calls(writer):
    assert {"write", "fsync", "ftruncate"} <= set(writer.calls)
    assert any(name.startswith("rename") for name in writer.calls)


def test_a_fault_in_the_writer_leaves_a_whole_state(writer, tmp_path):
    points = [one for one in writer.points() if re.match("write|fsync|rename", one.call)]
    walk(writer, points[::13], tmp_path)


@pytest.mark.slow
def test_a_fault_at_every_call_of_the_writer_leaves_a_whole_state(writer, tmp_path, capsys):
    points = writer.points()
    walk(writer, points, tmp_path)
    with capsys.disabled():
        print(f"\n{len(points)} faults: {', '.join(FAULTS)} at each of {dict(Counter(writer.calls))}")
