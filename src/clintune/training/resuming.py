"""Checkpoints of a run that is under way: whole or absent, and never taken for those of another."""

import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from clintune.errors import UserError
from clintune.files import read_json, sha256, whole_folder, write_json
from clintune.tracking.run import Origin
from clintune.training.course import Course

EVERY = "CLINTUNE_CHECKPOINT_SECONDS"
"""The environment says how often, for it changes no output; 120 without it."""

_SECONDS = 120.0
_TENSORS, _FACTS, _MANIFEST = "state.safetensors", "state.json", "manifest.json"
_LONG_AGO = 7 * 86_400.0
_KEPT = 2
"""The newest, and one to fall back to."""


class Keeper:
    """Saves the course of a run now and then, and finds the newest state that is whole.

    What was made from something else is no state of this run. Nothing in it is a pickle.
    """

    def __init__(self, origin: Origin, *, every: float) -> None:
        self._folder, self._key, self._every = origin.folder, dict(origin.made_from), every
        self._last = time.monotonic()
        self._useless: set[Path] = set()

    def resume(self, course: Course) -> None:
        """Bring the newest whole state into the course; a damaged one is named and passed over."""
        for draft in self._folder.glob(".*.draft"):  # a run was killed while it wrote
            shutil.rmtree(draft, ignore_errors=True)
        for saved in sorted(self._folder.glob("step-*"), reverse=True):
            fault = self._fault(saved)
            if fault is None:
                course.restore(load_file(saved / _TENSORS), read_json(saved / _FACTS))
                print(f"Resumed after step {course.done}.", file=sys.stderr)
                return
            print(f"Checkpoint {saved.name} is not used: {fault}.", file=sys.stderr)
            self._useless.add(saved)

    def keep(self, course: Course) -> None:
        """Save the course where it is time. A full or broken disk costs the checkpoint, not the run."""
        if time.monotonic() - self._last < self._every:
            return
        try:
            self._save(course.tensors(), course.facts())
        except (OSError, SafetensorError) as error:
            print(f"No checkpoint after step {course.done}: {error}. Training goes on.", file=sys.stderr)
        self._last = time.monotonic()

    def _save(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        state = self._folder / f"step-{facts['done']:09}"
        with whole_folder(state) as draft:
            save_file(dict(tensors), draft / _TENSORS)
            write_json(draft / _FACTS, facts)
            (draft / _MANIFEST).write_bytes(self._manifest(draft))
        self._useless.discard(state)
        # A useless one may be of a later step: it must not count as one of the newest.
        useful = sorted(set(self._folder.glob("step-*")) - self._useless)
        for old in [*sorted(self._useless), *useful[:-_KEPT]]:
            shutil.rmtree(old, ignore_errors=True)

    def _manifest(self, state: Path) -> bytes:
        """What stands in the manifest of a whole state of this run, with the files that are there now."""
        sums = {name: sha256(state / name) for name in (_TENSORS, _FACTS)}
        manifest = {"made_from": self._key, "sha256": sums}
        return (json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()

    def _fault(self, saved: Path) -> str | None:
        """Why a state cannot be used; None for one that is whole and of this run."""
        try:
            manifest = (saved / _MANIFEST).read_bytes()
            if manifest == self._manifest(saved):
                return None
            return self._difference(json.loads(manifest), saved)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            return f"it is not whole ({type(error).__name__})"

    def _difference(self, manifest: Mapping[str, Any], saved: Path) -> str:
        """What is wrong with a state whose manifest is not the one that it must have."""
        if manifest["made_from"] != self._key:
            return "it was made from other inputs, or on another kind of machine"
        for name in (_TENSORS, _FACTS):
            if sha256(saved / name) != manifest["sha256"][name]:
                return f"{name} is not what was written"
        return "its manifest is not what was written"


@contextmanager
def keeper(origin: Origin | None) -> Iterator[Keeper | None]:
    """A keeper whose folder no other process uses until the block ends.

    None without an origin, and where another process trains from the same inputs at the same time.
    """
    if origin is None:
        yield None
        return
    folder = origin.folder
    folder.mkdir(parents=True, exist_ok=True)
    for part in folder.parent.glob(f"{folder.name.partition('-')[0]}*"):  # of the same work: see Origin.part
        with suppress(FileNotFoundError):  # another process has just removed its own
            os.utime(part)  # somebody came back to it
    _forget_old(folder.parent)
    path = folder.parent / f"{folder.name}.lock"
    lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    os.utime(path)  # in use, so that no other run takes it for a leftover
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        yield None
        return
    try:
        yield Keeper(origin, every=_every())
    finally:
        os.close(lock)


def _every() -> float:
    text = os.environ.get(EVERY) or _SECONDS
    try:
        return float(text)
    except ValueError:
        raise UserError(EVERY, f"{text!r} is no number of seconds", "set one, or unset it") from None


def _forget_old(folder: Path) -> None:
    """States that nobody came back to: they are large."""
    for other in folder.iterdir():
        with suppress(FileNotFoundError):  # another process has just removed its own
            if time.time() - other.stat().st_mtime > _LONG_AGO:
                shutil.rmtree(other) if other.is_dir() else other.unlink()
