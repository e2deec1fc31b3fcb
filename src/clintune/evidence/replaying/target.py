"""What is replayed: the stages of a commit's dvc.lock, or those that a run in MLflow stands for."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clintune.errors import LedgerError, TrackingError, UserError
from clintune.evidence.subject import Record
from clintune.evidence.verification.observing import Sealed, ledger_in
from clintune.evidence.verification.verifier import made_by
from clintune.lockfile import LockEntry, is_code, parse_lock, read_lock
from clintune.sealing.record import KIND
from clintune.tracking.home import Home
from clintune.tracking.store import answering, open_store


@dataclass(frozen=True, slots=True)
class Target:
    """A commit, and by stage what dvc.lock says of it and the record that was sealed of it."""

    commit: str
    lock: Mapping[str, LockEntry]
    records: Mapping[str, Record]


def target_of(root: Path, place: Home, named: str | None) -> Target:
    """HEAD, and dvc.lock as it lies there; or a revision, and the dvc.lock in it; or a run.

    A run is named as MLflow names it (id, or the name of an execution), or as its record does. Raises
    UserError where there is none of this name, or where what it ran cannot be had.
    """
    sealed = ledger_in(place.ledger)
    if named is None:
        return _of_lock(_commit(root, "HEAD"), read_lock(root / "dvc.lock"), sealed)
    if (commit := _commit_or_none(root, named)) is not None:
        where = f"{commit[:12]}:dvc.lock"
        return _of_lock(commit, parse_lock(git(root, "show", where, place=where), place=where), sealed)
    return _of_runs(root, named, _runs_named(place, named, sealed), sealed)


def _of_lock(commit: str, lock: Mapping[str, LockEntry], sealed: Sealed) -> Target:
    stages = [record for _, record in sealed.of_kind(KIND)]
    found = {stage: made_by(stage, dict(entry), stages)[1] for stage, entry in lock.items()}
    missing = [stage for stage, record in found.items() if record is None]
    if missing:
        problem = f"no record here says how {', '.join(missing)} of dvc.lock came about"
        raise LedgerError(f"dvc.lock: {missing[0]}", problem, "replay where it was run, or dvc repro first")
    return Target(commit, lock, {stage: record for stage, record in found.items() if record is not None})


def _runs_named(place: Home, named: str, sealed: Sealed) -> list[Record]:
    """The records of a run, or of all runs of an execution, oldest first."""
    stages: list[Record] = [record for _, record in sealed.of_kind(KIND)]
    names = {named, *_names_in_store(place, named)}
    found = [one for one in stages if names & {one["run"], *_names_of_execution(one)}]
    if not found:
        problem = "neither a commit of this repository nor a run that was sealed here"
        raise UserError(named, problem, "clintune ui, or git log, shows what there is")
    return found


def _names_of_execution(record: Record) -> set[str]:
    return {record["execution"]["process"], record["execution"]["name"]} if record["execution"] else set()


def _names_in_store(place: Home, named: str) -> set[str]:
    """How the ledger calls what MLflow calls by an id."""
    if len(named) != 32 or not named.isalnum():
        return set()
    from mlflow.exceptions import MlflowException

    store = open_store(place)
    try:
        with answering(store.uri):
            tags = store.client.get_run(named).data.tags
    except TrackingError as error:
        if isinstance(error.__cause__, MlflowException):
            return set()  # no run has this id
        raise
    return {tags[key] for key in ("clintune.run", "dvc.exec_id") if key in tags and _is_own(key, tags)}


def _is_own(key: str, tags: Mapping[str, str]) -> bool:
    """The execution's name stands in the runs of its stages, too: there it names them no better."""
    return (key == "clintune.run") == (tags.get("dvc.kind") == "stage")


def _of_runs(root: Path, named: str, runs: Sequence[Record], sealed: Sealed) -> Target:
    """These runs, and those that made what they read."""
    stages = [record for _, record in sealed.of_kind(KIND)]
    state: dict[str, Record] = {}
    waiting = list(runs)
    while waiting:
        record = waiting.pop()
        state[record["stage"]] = record
        waiting += [one for one in _makers(record, stages) if one["stage"] not in state]
    ordered = {one["stage"]: one for one in sorted(state.values(), key=lambda one: one["started"])}
    code = runs[-1]["code"]
    if code is None or code["dirty"]:
        problem = "it ran with uncommitted changes, of which the hash alone is sealed"
        raise UserError(named, problem, "commit, run again, and replay that run")
    commit = _commit(root, code["commit"])
    return Target(commit, {stage: record["lock"] for stage, record in ordered.items()}, ordered)


def _makers(record: Record, stages: Sequence[Record]) -> list[Record]:
    """By stage the last record that wrote what this one read, file by file."""
    read = {path: one["sha256"] for path, one in record["inputs"].items() if not is_code(path)}
    found = {
        one["stage"]: one
        for one in stages
        if any(one["outputs"].get(path, {}).get("sha256") == sha256 for path, sha256 in read.items())
    }
    return list(found.values())


def _commit(root: Path, named: str) -> str:
    found = _commit_or_none(root, named)
    if found is None:
        raise UserError(named, "no such commit in this repository", "fetch it, with all of its history")
    return found


def _commit_or_none(root: Path, named: str) -> str | None:
    asked = ["git", "-C", str(root), "rev-parse", "-q", "--verify", f"{named}^{{commit}}"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def git(root: Path, *arguments: str, place: str) -> str:
    """What git says. Raises UserError where it refuses."""
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        problem = f"git {arguments[0]} failed ({done.stderr.strip().splitlines()[-1]})"
        raise UserError(place, problem, "name a commit of this repository with a dvc.lock")
    return done.stdout.strip()
