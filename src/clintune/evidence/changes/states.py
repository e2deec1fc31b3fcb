"""A state of a project: the stages of a dvc.lock, or of runs, each with the record that was sealed of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from clintune.errors import UserError
from clintune.evidence.git import blob, revision_of
from clintune.evidence.verification.sealed import Sealed
from clintune.lockfile import LockEntry, entry_sha256, parse_lock, read_lock
from clintune.sealing.record import KIND
from clintune.tracking.home import Home

Made: TypeAlias = tuple[Mapping[str, Any], Mapping[str, Any]]
"""A record of a stage with its line of the ledger."""

HERE = "dvc.lock in the working tree"
_LOCK = "dvc.lock"


@dataclass(frozen=True, slots=True)
class State:
    """`lock` has the entries by stage, `sealed` those of them that have a record, `partial` that more may be.

    `commit` is the one that was named, or the one that the newest run was made at; None for the working tree.
    """

    name: str
    commit: str | None
    lock: Mapping[str, LockEntry]
    sealed: Mapping[str, Made]
    partial: bool = False

    @property
    def unrecorded(self) -> tuple[str, ...]:
        """Stages of which the ledger says nothing."""
        return tuple(stage for stage in self.lock if stage not in self.sealed)

    @property
    def commits(self) -> tuple[str, ...]:
        """Where the text of its code may be found: its own commit, and those that its stages ran at."""
        ran = [record["code"]["commit"] for _, record in self.sealed.values() if record["code"]]
        return tuple(dict.fromkeys([*([self.commit] if self.commit else []), *ran]))

    def record(self, stage: str) -> Mapping[str, Any] | None:
        """What was sealed of a stage."""
        return self.sealed[stage][1] if stage in self.sealed else None

    def sha256(self, path: str) -> str | None:
        """That of a file which a stage read or wrote, as sealed."""
        for side in ("outputs", "inputs"):
            for _, record in self.sealed.values():
                if path in record[side]:
                    return str(record[side][path]["sha256"])
        return None

    def md5(self, path: str) -> str | None:
        """That of a file or folder which dvc.lock names."""
        for kind in ("outs", "deps"):
            for entry in self.lock.values():
                for one in entry.get(kind, []):
                    if one["path"] == path and "md5" in one:
                        return str(one["md5"])
        return None

    def params(self, stage: str) -> dict[str, Any]:
        """The trees of params of a stage, by file taken together."""
        files = self.lock[stage].get("params", {}).values() if stage in self.lock else ()
        return {key: value for values in files for key, value in values.items()}


def state_of(root: Path, home: Home, chain: Sealed, name: str | None) -> State:
    """Find what a name stands for: a git revision, an experiment of DVC, or a run or an execution.

    Those have a name and an id in MLflow.

    Without a name: dvc.lock as it lies there. Raises UserError where the name says nothing, or too much.
    """
    if name is None:
        return _of_lock(HERE, None, read_lock(root / _LOCK), chain)
    commit = revision_of(root, name)
    if commit is not None:
        text = blob(root, commit, _LOCK)
        place = f"{name}:{_LOCK}"
        if text is None:
            raise UserError(place, "no such file in this commit", "name one that a dvc.lock was committed in")
        return _of_lock(name, commit, parse_lock(text.decode("utf-8", "replace"), place=place), chain)
    sealed = list(chain.of_kind(KIND))
    found = _named(name, sealed) or _in_store(home, name, sealed)
    if not found:
        step = "git log, dvc exp list --all-commits and clintune ui show names"
        raise UserError(name, "no commit, run or execution is called so", step)
    return _of_runs(name, found, sealed)


def _of_lock(name: str, commit: str | None, lock: Mapping[str, LockEntry], chain: Sealed) -> State:
    made = {record["lock_entry_sha256"]: (line, record) for line, record in chain.of_kind(KIND)}
    names = {stage: entry_sha256(entry) for stage, entry in lock.items()}
    return State(name, commit, lock, {stage: made[one] for stage, one in names.items() if one in made})


def _named(name: str, sealed: Sequence[Made]) -> list[Made]:
    """The record of a run by the run's key, or those of one execution; a stage's name, if it ran but once."""
    of_run = [one for one in sealed if name in (one[1]["run"], one[1]["stage"])]
    executions = [(one, one[1]["execution"]) for one in sealed if one[1]["execution"]]
    processes = {said["process"]: one[1]["run"] for one, said in executions if said["name"] == name}
    of_execution = [one for one, said in executions if said["process"] in processes]
    meant = [record["run"] for _, record in of_run] or list(processes.values())
    if len(meant) > 1:
        problem = f"{len(meant)} of them are called so"
        raise UserError(name, problem, f"name one by its id in MLflow, or a run: {', '.join(meant)}")
    return of_run or of_execution


def _in_store(home: Home, name: str, sealed: Sequence[Made]) -> list[Made]:
    """By the id that MLflow gave to the run of a stage or of an execution.

    Raises UserError for one of which nothing is sealed here.
    """
    if len(name) != 32 or not set(name) <= set("0123456789abcdef"):
        return []
    from clintune.tracking.store import answering, open_store
    from clintune.tracking.stored import stored_runs

    store = open_store(home)
    with answering(store.uri):
        keys = {
            key for key, one in stored_runs(store).items()
            if name in (one.id, one.parent.info.run_id if one.parent else None)
        }  # fmt: skip
    found = [one for one in sealed if one[1]["run"] in keys]
    if keys and not found:
        why = "it did not finish, DVC did not start it, it is a replay, or another clone has it"
        problem = f"no record of a stage is here for this run: {why}"
        raise UserError(name, problem, "name a run of dvc repro that finished")
    return found


def _of_runs(name: str, found: Sequence[Made], sealed: Sequence[Made]) -> State:
    """These stages, and of each stage before them the run whose outputs they read, by SHA-256."""
    chosen = {record["stage"]: (line, record) for line, record in found}
    waiting = list(chosen.values())
    while waiting:
        line, record = waiting.pop()
        for maker in reversed([one for one in sealed if one[0]["number"] < line["number"]]):
            stage = maker[1]["stage"]
            if stage not in chosen and made_for(maker[1], record):
                chosen[stage] = maker
                waiting.append(maker)
    ordered = dict(sorted(chosen.items(), key=lambda one: one[1][0]["number"]))
    code = [record["code"] for _, record in ordered.values()][-1]
    lock = {stage: record["lock"] for stage, (_, record) in ordered.items()}
    return State(name, code["commit"] if code else None, lock, ordered, partial=True)


def made_for(maker: Mapping[str, Any], reader: Mapping[str, Any]) -> bool:
    """Whether one stage read what the other wrote, and nothing in its place."""
    shared = maker["outputs"].keys() & reader["inputs"].keys()
    return bool(shared) and all(
        maker["outputs"][path]["sha256"] == reader["inputs"][path]["sha256"] for path in shared
    )
