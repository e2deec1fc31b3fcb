"""What is amiss in a project before anything is compared with a record: each a finding of its own.

A finding here is (kind, place, field, sealed, found), as the verifier takes it.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from clintune.evidence.verification import verifier
from clintune.lockfile import LockEntry
from clintune.params import leaves
from clintune.tracking import datasets, limits
from clintune.tracking.artifacts import as_text
from clintune.tracking.run import SEALED
from clintune.tracking.stored import OVER, Stored, by_execution
from clintune.tracking.trail.reading import Change

Tree: TypeAlias = Mapping[str, Any]
Amiss: TypeAlias = tuple[str, str, str, object, object]
Facts: TypeAlias = Mapping[str, tuple[object, object]]
"""By field: what is meant, and what was found."""
CERTIFIED = {"run", "name", "started", "reported"}
"""What a sealed certificate says of its run in MLflow."""


def is_certified(record: Tree) -> bool:
    """Whether what was sealed as a certificate says of a run what can be compared."""
    said = record["reported"] if record.keys() >= CERTIFIED else None
    return isinstance(said, dict) and all(
        isinstance(said.get(part), dict) for part in ("params", "tags", "metrics", "artifacts")
    )


def of_params(now: Tree | str, lock: Mapping[str, LockEntry]) -> Iterator[Amiss]:
    """What params.yaml says today and no stage was told so, or no more. `now` may be why it cannot be read.

    A stage names whole sections, and keys in them.
    """
    if isinstance(now, str):
        yield "param", "params.yaml", "", "valid params", now
        return
    for entry in lock.values():
        for name, value in entry.get("params", {}).get("params.yaml", {}).items():
            told = dict(leaves({name: value}))
            says = {key: one for key, one in now.items() if f"{key}.".startswith(f"{name}.")}
            for key in sorted(told.keys() | says.keys()):
                if told.get(key) != says.get(key):
                    yield "param", "params.yaml", key, told.get(key, ""), says.get(key, "")


def of_lock(root: Path, lock: Mapping[str, LockEntry], records: Iterable[Tree]) -> Iterator[Amiss]:
    """Stages of dvc.yaml that were sealed, and of which dvc.lock has nothing: cut short, or gone."""
    newest = {record["stage"]: record["lock_entry_sha256"] for record in records}
    for stage in _stages(root / "dvc.yaml", newest):
        if stage in newest and stage not in lock:
            yield "lock", f"dvc.lock: {stage}", "entry", newest[stage], ""


def _stages(file: Path, sealed: Iterable[str]) -> list[str]:
    """Those of dvc.yaml; where it cannot be read, as `dvc` says, all that were ever sealed."""
    try:
        return list(YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))["stages"].keys())
    except (OSError, ValueError, TypeError, KeyError, AttributeError, YAMLError, RecursionError):
        return list(sealed)


def of_files(root: Path, lock: Mapping[str, LockEntry]) -> Iterator[Amiss]:
    """What lies among the outputs and has no content to hash: links to folders, links to nothing, pipes.

    Nobody goes where a forged entry leads, out of the project: `path: /`.
    """
    paths = (out["path"] for entry in lock.values() for out in entry.get("outs", []))
    for path in (one for one in paths if not os.path.normpath(one).startswith(("..", "/"))):
        for folder, folders, files in os.walk(root / path):
            links = [name for name in folders if Path(folder, name).is_symlink()]
            odd = dict.fromkeys(links, "a link to a folder")
            others = [name for name in files if not Path(folder, name).is_file()]
            odd |= dict.fromkeys(others, "no file, or a link to nothing")
            for name, what in odd.items():
                place = Path(folder, name).relative_to(root).as_posix()
                yield "output", as_text(place), "", "", what


def of_runs(
    stored: Mapping[str, Stored], records: Mapping[str, Tree], others: Iterable[str]
) -> Iterator[Amiss]:
    """Runs in the store that no stage made, of somebody else, or with data from elsewhere, and runs of
    executions that say more than their stages.

    `others` are known to be none of them: replays.
    """
    known = {*records, *others}
    yield from _of_users(stored, known)
    yield from _of_datasets(stored, records)
    for key, one in stored.items():
        place = f"run {one.id} of stage {one.run.info.run_name}"
        if key == one.id:
            yield "run", place, "", "", "a run that no stage made, or the copy of one"
        elif key not in known and one.run.info.status in OVER and one.claims:
            yield "run", place, "line of the ledger", "one", ""
    for parent, stages in by_execution(stored):
        for one in stages.values():
            there, own = parent.info.experiment_id, one.run.info.experiment_id
            if own != there:
                yield "run", f"run {one.id} of stage {one.run.info.run_name}", "experiment", there, own
        sealed = [record for key, record in records.items() if key in stages]  # as they were sealed
        yield from _of_execution(parent, sealed, stages.values())


def _of_users(stored: Mapping[str, Stored], sealed: Collection[str]) -> Iterator[Amiss]:
    """Runs of which two places in the store do not say the same of whose they are: the tag is sealed."""
    for one in (stored[key] for key in sorted(sealed) if key in stored):
        tag, found = one.run.data.tags.get("mlflow.user", ""), one.run.info.user_id
        yield from unlike("run", f"run {one.id} of {one.run.info.run_name}", {"user": (tag, found)})


def _of_datasets(stored: Mapping[str, Stored], records: Mapping[str, Tree]) -> Iterator[Amiss]:
    """Data sets that are said to come from elsewhere, or to hold more or less, than what was read."""
    for key in sorted(records.keys() & stored.keys()):
        run, sealed = stored[key].run, {one["name"]: one for one in records[key]["reported"]["datasets"]}
        for found in (one.dataset for one in (run.inputs.dataset_inputs if run.inputs else ())):
            profile = verifier.parsed(found.profile or "")
            size = sealed.get(found.name, {}).get("profile", profile)
            meant = datasets.entity(found.name, found.digest, size)
            facts = {
                "source": (meant.source, found.source), "type": (meant.source_type, found.source_type),
                "schema": ("", found.schema or ""), "size": (size, profile),
            }  # fmt: skip
            place = f"run {stored[key].id} of stage {run.info.run_name}: dataset {found.name}"
            yield from unlike("run", place, facts)


def of_metrics(odd: Iterable[tuple[str, str]], stored: Mapping[str, Stored]) -> Iterator[Amiss]:
    """Points that nobody sees who asks MLflow for the metrics of a run, or sees as they are not."""
    own = _with_executions(stored)
    for run, name in odd:
        if run in own:
            place = f"run {run} of {own[run].info.run_name}"
            yield "run", place, f"metric {name}", "", "a last point that MLflow does not show as it is"


def of_rows(trail: Iterable[Change], stored: Mapping[str, Stored]) -> Iterator[Amiss]:
    """Runs that somebody put into another experiment, or made end at another time, which MLflow never does.

    `trail`: oldest first. An execution that goes on ends later; so does a run that was killed.
    """
    first, stages = dict[str, Tree](), {one.id for one in stored.values()}
    for was in (verifier.parsed(one.before or "") for one in trail if one.place == "runs"):
        first.setdefault(str(was.get("run_uuid")), was)
    own = _with_executions(stored)
    for name in sorted(first.keys() & own.keys()):
        row, info = first[name], own[name].info
        facts = {"experiment": (str(row.get("experiment_id")), str(info.experiment_id))}
        if name in stages and row.get("status") == info.status == "FINISHED":
            facts["end"] = str(row.get("end_time")), str(info.end_time)
        yield from unlike("run", f"run {name} of {info.run_name}", facts)


def _with_executions(stored: Mapping[str, Stored]) -> dict[str, Any]:
    """The runs by MLflow's names for them, and those of their executions."""
    own = {one.id: one.run for one in stored.values()}
    return own | {str(one.parent.info.run_id): one.parent for one in stored.values() if one.parent}


def _of_execution(parent: Any, records: list[Tree], stages: Iterable[Stored]) -> Iterator[Amiss]:
    known = [record["execution"] for record in records if record["execution"]]
    if not known:
        return
    said, info = known[0], parent.info
    place = f"run {info.run_id} of execution {said['name']}"
    facts = {
        "name": (said["name"], info.run_name), "lifecycle": ("active", info.lifecycle_stage),
        "parent": ("", parent.data.tags.get("mlflow.parentRunId", "")),
        "user": (said["tags"].get("mlflow.user", info.user_id), info.user_id),
    }  # fmt: skip
    yield from unlike("run", place, facts)
    last = [one.run.info.end_time for one in stages]
    if info.status == "FINISHED" and all(isinstance(it, int) for it in last) and max(last) != info.end_time:
        yield "run", place, "end", max(last), info.end_time
    ends = {one.run.info.status for one in stages} - {"FINISHED"}
    if ends and info.status == "FINISHED":
        yield "run", place, "status", ", ".join(sorted(ends)), info.status
    if all(one.sealed for one in stages):  # else one that failed has said something, too
        headline = {limits.name(name) for record in records for name in record["reported"]["headline"]}
        for name in sorted(parent.data.metrics.keys() - headline):
            yield "run", place, f"metric {name}", "", parent.data.metrics[name]


def of_executions(executions: Mapping[str, Tree]) -> Iterator[Amiss]:
    """Data sets and models that the run of an execution shows: its stages have theirs."""
    for name, one in executions.items():
        yield from (("run", f"run {name} of an execution", what, "", "shown") for what in one["more"])


def of_replays(
    runs: Mapping[str, Tree], certificates: Iterable[tuple[Tree, Tree]], waiting: Iterable[str]
) -> Iterator[Amiss]:
    """Replays that MLflow shows otherwise than they were sealed, or not at all."""
    for line, record in certificates:
        key = str(record["run"]) if is_certified(record) else "without a name"
        if key in waiting:
            continue
        if key in runs:
            yield from as_amiss(_of_replay(line, record, runs[key]))
        else:
            yield "run", f"run {key} of a replay", "", f"line {line['number']} of the ledger", ""


def _of_replay(line: Tree, record: Tree, run: Tree) -> verifier.Findings:
    place, said = f"run {run['id']} of a replay", record["reported"]
    facts = {
        "name": record["name"], "start": record["started"], "status": "FINISHED", "lifecycle": "active",
        "execution": None,
    }  # fmt: skip
    tags = {**said["tags"], SEALED: f"{line['number']}:{line['hash']}"}
    if run["status"] == "KILLED" and not run["sealed"]:  # before it could name its line, as a stage may be
        ends = {key: tags.get(key) for key in (SEALED, "clintune.reason")}
        run = {**run, "status": "FINISHED", "tags": {**run["tags"], **ends}}
    yield from verifier.differences("run", place, "", facts, {key: run[key] for key in facts})
    yield from verifier.judge_said(place, {**said, "tags": tags}, dict(run))
    for kind, shown in (("metric", "latest"), ("dataset", "datasets"), ("model", "models")):
        yield from verifier.differences("run", place, kind, {}, run[shown])


def unlike(kind: str, place: str, facts: Facts) -> Iterator[Amiss]:
    """Those of which both are not the same."""
    yield from ((kind, place, field, *pair) for field, pair in facts.items() if pair[0] != pair[1])


def as_amiss(found: verifier.Findings) -> Iterator[Amiss]:
    """What the verifier's own comparisons say."""
    return ((one["kind"], one["place"], one["field"], one["sealed"], one["found"]) for one in found)


def of_trail(before: Iterable[str], lines: Iterable[bytes], named: Collection[str]) -> Iterator[Amiss]:
    """Lines of the ledger that runs named which were changed or deleted since: `before`, as number:hash.

    `named` are those that runs name now: one that does no more looks like a run that was killed early.
    """
    chain = (verifier.parsed(text) for text in lines)
    known = {f"{line.get('number')}": line.get("hash") for line in chain}
    for text in sorted({*before}):
        number, _, name = text.partition(":")
        if known.get(number) != name:
            yield "ledger", f"ledger.jsonl:{number}", "hash that the trail names", name, known.get(number)
        elif text not in named:
            yield "ledger", f"ledger.jsonl:{number}", "run that the trail says named it", "one", ""
