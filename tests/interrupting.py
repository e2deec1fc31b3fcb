"""A tiny training whose every start is a process of its own, to be killed and started again."""

import ctypes
import json
import multiprocessing
import os
import re
import shutil
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from tqdm import tqdm

from clintune.devices import prepare
from clintune.files import sha256
from clintune.params import Gradual, Params, Sgd, Stopping
from clintune.tracking.run import Origin
from clintune.training.fine_tuning import train
from clintune.training.resuming import EVERY, Keeper

PR_SET_PTRACER = 0x59616D61
NEVER = 1e9
"""Seconds between two states: there will be none."""

RUNS: Mapping[str, Mapping[str, Any]] = {
    "with dropout": {"epochs": 6, "log_every": 4, "dropout": {"hidden": 0.3, "attention": 0.2}},
    "bf16": {"epochs": 6, "log_every": 1, "precision": "bf16", "schedule": "cosine", "layer_decay": 0.5,
             "averaging": 0.9},
    "gradual": {"epochs": 6, "log_every": 5, "dropout": {"hidden": 0.1}, "strategy": Gradual(
        kind="gradual", initially=0, every=1, unit="epoch", embeddings=True)},
    "accumulated sgd": {"epochs": 6, "log_every": 3, "accumulation": 2, "batch_tokens": 128,
                        "optimizer": Sgd(kind="sgd", momentum=0.9, nesterov=False)},
    "early stopping": {"epochs": 20, "log_every": 7, "learning_rate": 1e-9, "patience": 5,
                       "dropout": {"hidden": 0.3}},
}  # fmt: skip
"""Five trainings that have different things to remember, such as the steps since the last row of a curve."""


def quick(tiny: Params, *, dropout=None, **changes) -> Params:
    """`tiny` for a training of a second, with keys of the section train, or of its stopping, changed."""
    fast = {"epochs": 2, "batch_tokens": 256, "log_every": 2, "learning_rate": 0.003,
            "validations_per_epoch": 1}  # fmt: skip
    stops = {key: changes.pop(key) for key in list(changes) if key in Stopping.model_fields}
    stopping = tiny.train.stopping.model_copy(update={"patience": 9} | stops)
    shares = tiny.train.dropout.model_copy(update=dropout or {})
    section = tiny.train.model_copy(update=fast | changes | {"stopping": stopping, "dropout": shares})
    return tiny.model_copy(update={"train": section})


def _context() -> ForkServerContext:
    """Processes are forked from one that has imported what takes seconds, and computed nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.interrupting", "transformers.models.bert.modeling_bert"])
    return context


@dataclass(frozen=True)
class Gate:
    """Where a training waits until it is let go on: before it keeps the state after `step`.

    Then the states are copied, as they are after that; or the process `ends` there.
    """

    step: int
    ends: bool
    arrived: Event
    opened: Event

    @classmethod
    def before(cls, step: int, *, ends: bool = False) -> "Gate":
        return cls(step, ends, _context().Event(), _context().Event())

    def guard(self, copy: Path) -> None:
        """Make every keeper of this process stop here, and let any other process trace it."""
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(-1))  # else Yama allows none but a parent
        keep = Keeper.keep

        def kept(keeper, course):
            here = course.done == self.step
            if here:
                self.arrived.set()
                self.opened.wait()
            keep(keeper, course)
            if here and self.ends:
                os._exit(0)
            if here:
                shutil.copytree(keeper._folder, copy)

        Keeper.keep = kept


@dataclass(frozen=True)
class Ended:
    """What a training leaves: SHA-256 of every file of the checkpoint, and every number that it reported."""

    sums: Mapping[str, str]
    reported: frozenset[tuple[str, float, int]]


@dataclass(frozen=True)
class Training:
    """A training and its places below `root`. A start goes on from the states that the last one left."""

    params: Params
    windows: Path
    examples: Path
    root: Path
    made_from: Mapping[str, str]

    @classmethod
    def of(cls, name: str, tiny: Params, folders: Any, root: Path, **changes) -> "Training":
        """That of RUNS with this name, on what the stages before left in `folders`."""
        params = quick(tiny, **{**RUNS[name], **changes})
        return cls(params, folders.windows, folders.examples, root, {"inputs": name})

    @property
    def origin(self) -> Origin:
        return Origin(self.made_from, self.states)

    @property
    def states(self) -> Path:
        return self.root / "resume" / "key"

    @property
    def copied(self) -> Path:
        """The states as they were behind the gate."""
        return self.root / "copied"

    @property
    def said(self) -> str:
        """What the last start wrote to stderr."""
        return (self.root / "said").read_text(encoding="utf-8")

    @property
    def resumed(self) -> bool:
        """Whether the last start took up a state."""
        return "Resumed after step" in self.said

    @property
    def trains(self) -> bool:
        """Whether the last start has come as far as its first step."""
        return "train:" in self.said

    @property
    def left(self) -> float:
        """The share of all steps that the last start has before it, by its bar."""
        done, planned = re.findall(r"(\d+)/(\d+) \[", self.said)[-1]
        return 1 - int(done) / int(planned)

    def at(self, root: Path) -> "Training":
        """The same training at another place."""
        return replace(self, root=root)

    def start(self, *, every: float = 0, gate: Gate | None = None) -> ForkServerProcess:
        """A process that trains."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "said").write_bytes(b"")
        process = _context().Process(target=self._run, args=(every, gate), daemon=True)
        process.start()
        return process

    def ended(self, *, every: float = 0) -> Ended:
        """What it leaves when nobody disturbs it."""
        process = self.start(every=every)
        process.join(120)
        assert process.exitcode == 0, self.said
        return self.outcome()

    def stopped(self, step: int) -> Path:
        """The states that it leaves when it dies after this step."""
        gate = Gate.before(step, ends=True)
        gate.opened.set()
        process = self.start(gate=gate)
        process.join(120)
        assert gate.arrived.is_set(), self.said
        return self.states

    def outcome(self) -> Ended:
        """Speed and memory are no property of the model."""
        reported = json.loads((self.root / "reported.json").read_text(encoding="utf-8"))
        return Ended(
            {path.name: sha256(path) for path in (self.root / "checkpoint").rglob("*") if path.is_file()},
            frozenset(tuple(one) for one in reported if not one[0].endswith(("per_second", "memory_mib"))),
        )

    def _run(self, every: float, gate: Gate | None) -> None:
        os.dup2(os.open(self.root / "said", os.O_WRONLY), 2)
        tqdm.set_lock(threading.RLock())  # its own is a semaphore, which a killed process would leave behind
        os.environ[EVERY] = str(every)
        if gate is not None:
            gate.guard(self.copied)
        reported: list[tuple[str, float, int]] = []
        train(
            self.params, prepare(self.params.numerics, self.params.train.precision),
            windows=self.windows, examples=self.examples, checkpoint=self.root / "checkpoint",
            report=lambda values, at: reported.extend((*one, at) for one in values.items()),
            origin=self.origin,
        )  # fmt: skip
        (self.root / "reported.json").write_text(json.dumps(reported), encoding="utf-8")
        self.origin.discard()  # as a stage does when its run is sealed
