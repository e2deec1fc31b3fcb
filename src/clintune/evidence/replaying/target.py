"""What is replayed: the stages of a commit's dvc.lock, or those that a run in MLflow stands for."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clintune.errors import LedgerError, UserError
from clintune.evidence.changes.states import state_of
from clintune.evidence.git import commit_of
from clintune.evidence.subject import Record
from clintune.evidence.verification.observing import locked
from clintune.evidence.verification.sealed import Sealed, ledger_in
from clintune.evidence.verification.verifier import made_by
from clintune.lockfile import LockEntry, read_lock
from clintune.sealing.record import KIND
from clintune.tracking.home import Home
from clintune.working_tree import of_no_repository


@dataclass(frozen=True, slots=True)
class Target:
    """A commit, and by stage what dvc.lock says of it and the record that was sealed of it.

    `present` are the stages whose outputs are those that lie in the project, as its dvc.lock says today.
    """

    commit: str
    lock: Mapping[str, LockEntry]
    records: Mapping[str, Record]
    present: frozenset[str]


def target_of(root: Path, place: Home, named: str | None) -> Target:
    """HEAD, and dvc.lock as it lies there; or a revision, and the dvc.lock in it; or a run.

    A run is named as MLflow names it (id, or the name of an execution), or as its record does: it stands for
    itself and those that made what it read. Raises UserError where there is none of this name, or where what
    it ran cannot be had.
    """
    sealed = ledger_in(place.ledger)
    if named is None:
        here = read_lock(root / "dvc.lock")
        return _of_lock(_commit(root, "HEAD"), here, sealed, here)
    here = locked(root)
    state = state_of(root, place, sealed, named)
    if not state.partial and state.commit is not None:
        return _of_lock(_commit(root, state.commit), state.lock, sealed, here)
    records = {stage: record for stage, (_, record) in state.sealed.items()}
    code = list(records.values())[-1]["code"]
    if code is None or code["dirty"]:
        problem = "it ran with changes, or beside code, that no commit has: their hash alone is sealed"
        raise UserError(named, problem, "commit, run again, and replay that run")
    return Target(_commit(root, code["commit"]), state.lock, records, _same(state.lock, here))


def _same(lock: Mapping[str, LockEntry], here: Mapping[str, LockEntry]) -> frozenset[str]:
    return frozenset(stage for stage, entry in lock.items() if here.get(stage) == entry)


def _of_lock(
    commit: str, lock: Mapping[str, LockEntry], sealed: Sealed, here: Mapping[str, LockEntry]
) -> Target:
    stages = [record for _, record in sealed.of_kind(KIND)]
    found = {stage: made_by(stage, dict(entry), stages)[1] for stage, entry in lock.items()}
    missing = [stage for stage, record in found.items() if record is None]
    if missing:
        problem = f"no record here says how {', '.join(missing)} of dvc.lock came about"
        step = "replay where it was run, or dvc repro first; beside a stage that seals nothing, name a run"
        raise LedgerError(f"dvc.lock: {missing[0]}", problem, step)
    records = {stage: record for stage, record in found.items() if record is not None}
    return Target(commit, lock, records, _same(lock, here))


def _commit(root: Path, named: str) -> str:
    found = commit_of(root, named)
    if found is None:
        raise UserError(named, "no such commit in this repository", "fetch it, with all of its history")
    return found


def git(root: Path, *arguments: str, place: str) -> str:
    """What git says of the repository at `root`. Raises UserError where it refuses."""
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], env=of_no_repository(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        problem = f"git {arguments[0]} failed ({said[-1]})"
        raise UserError(place, problem, "make room for a clone, or see what git fsck says")
    return done.stdout.strip()
