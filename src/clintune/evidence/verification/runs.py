"""The tracking store against the ledger: each run still is what was sealed of it."""

from collections.abc import Iterator, Mapping, Set
from typing import Any

from clintune.evidence.verification.chain import Chain
from clintune.evidence.verification.findings import Finding, differences
from clintune.sealing.ledger import Line
from clintune.sealing.record import KIND
from clintune.tracking import limits
from clintune.tracking.run import SEALED
from clintune.tracking.store import Store
from clintune.tracking.stored import Stored, content, execution

_SET_BY_THE_STORE = ("mlflow.parentRunId", "mlflow.runName", "mlflow.runColor")
"""Tags that a run gets there: the first names a run that no stage knows, the second its own name."""


def run_findings(
    store: Store, stored: Mapping[str, Stored], chain: Chain, *, waiting: Set[str], relied_on: Set[str]
) -> Iterator[Finding]:
    """What differs, of every sealed stage, from its run in the store.

    Runs that are `waiting` in the spool are not looked at: the store has not got all of them yet. A stage may
    have been killed in the moment between its line in the ledger and its end: that is none but where dvc.lock
    relies on this run.
    """
    for line, record in chain.sealed(KIND):
        key = record["run"]
        if key in waiting or (key in stored and stored[key].cut_off and key not in relied_on):
            continue
        if key in stored:
            yield from _of_run(store, line, record, stored[key])
        else:
            yield Finding("run", _place(record), "", f"line {line.number} of the ledger", "")


def line_findings(stored: Mapping[str, Stored], chain: Chain) -> Iterator[Finding]:
    """The other way round: every run that names a line of the ledger finds it there.

    A ledger whose end was cut off, or whose hashes were all made anew, is whole in itself.
    """
    lines = {str(line.number): line.hash for line in chain.lines}
    for one in stored.values():
        number, _, digest = one.sealed.partition(":")
        if one.sealed and lines.get(number) != digest:
            field = f"hash that run {one.id} of stage {one.run.info.run_name} names"
            yield Finding("ledger", f"ledger.jsonl:{number}", field, digest, lines.get(number, ""))


def _place(record: Mapping[str, Any], stored: Stored | None = None) -> str:
    return f"run {stored.id if stored else record['run']} of stage {record['stage']}"


def _of_run(store: Store, line: Line, record: Mapping[str, Any], stored: Stored) -> Iterator[Finding]:
    place, said, held = _place(record, stored), record["reported"], content(store, stored)
    if stored.deleted:
        yield Finding("run", place, "lifecycle", "active", "deleted")
    info = stored.run.info
    facts = {"name": info.run_name, "start": info.start_time, "status": info.status}
    sealed_facts = {"name": record["stage"], "start": record["started"], "status": "FINISHED"}
    yield from differences("run", place, "", sealed_facts, facts)
    yield from differences("run", place, "param", limits.params(said["params"]), held["params"])
    tags = limits.tags({**said["tags"], SEALED: line.name})
    yield from differences("run", place, "tag", tags, _without(held["tags"], tags))
    sealed = {limits.name(name): sorted(map(tuple, values)) for name, values in said["metrics"].items()}
    for name in sorted(sealed.keys() | held["metrics"].keys()):
        yield from _history(place, name, sealed.get(name, []), held["metrics"].get(name, []))
    datasets = {one["name"]: (one["digest"], one["role"]) for one in said["datasets"]}
    found = {name: (digest, role) for name, digest, role in held["datasets"]}
    yield from differences("run", place, "dataset", datasets, found)
    yield from differences("run", place, "artifact", said["artifacts"], held["artifacts"])
    for model in said["models"]:
        files = held["models"].get(model["name"], {})
        yield from differences("run", place, f"model {model['name']}", model["files"], files)
    yield from _of_execution(record, stored)


def _history(place: str, name: str, sealed: list[Any], found: list[Any]) -> Iterator[Finding]:
    """Points of a curve by step and time: changed, missing, added."""
    before, after = ({(step, at): value for step, value, at in one} for one in (sealed, found))
    for step, at in sorted(before.keys() | after.keys()):
        old, new = before.get((step, at)), after.get((step, at))
        if old != new:
            texts = ("" if one is None else repr(one) for one in (old, new))
            yield Finding("run", place, f"metric {name} at step {step}", *texts)
    if len(found) != len(sealed) and before == after:
        yield Finding("run", place, f"metric {name}", f"{len(sealed)} points", f"{len(found)} points")


def _of_execution(record: Mapping[str, Any], stored: Stored) -> Iterator[Finding]:
    """The run of the execution repeats what its stages say: params, headline, params.yaml and dvc.yaml."""
    said = record["execution"]
    if said is None:
        return
    if stored.parent is None:
        yield Finding("run", f"execution {said['name']}", "", f"parent of run {stored.id}", "")
        return
    held = execution(stored.parent)
    place = f"run {stored.parent.info.run_id} of execution {said['name']}"
    yield from differences("run", place, "param", limits.params(said["params"]), held["params"])
    tags = limits.tags(said["tags"])
    yield from differences("run", place, "tag", tags, _without(held["tags"], tags))
    yield from differences("run", place, "artifact", said["artifacts"], held["artifacts"])
    headline = {limits.name(name): value for name, value in record["reported"]["headline"].items()}
    shown = {name: value for name, value in held["headline"].items() if name in headline}
    yield from differences("run", place, "metric", headline, shown)


def _without(tags: Mapping[str, str], said: Mapping[str, str]) -> dict[str, str]:
    """The tags that a stage may vouch for: all but those that only the store can set."""
    return {key: value for key, value in tags.items() if key in said or key not in _SET_BY_THE_STORE}
