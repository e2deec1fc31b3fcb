"""What is amiss in a project before anything is compared with a record: each a finding of its own.

A finding here is (kind, place, field, sealed, found), as the verifier takes it.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from clintune.evidence.verification import verifier
from clintune.lockfile import LockEntry
from clintune.params import leaves
from clintune.tracking import limits
from clintune.tracking.run import SEALED
from clintune.tracking.stored import ENTRY, REPLAY, Stored, by_execution

Tree: TypeAlias = Mapping[str, Any]
Amiss: TypeAlias = tuple[str, str, str, object, object]
_CERTIFICATE = {"run", "name", "started", "reported"}


def of_params(now: Tree | str, lock: Mapping[str, LockEntry]) -> Iterator[Amiss]:
    """What params.yaml says today and no stage was told so. `now` may be why it cannot be read."""
    if isinstance(now, str):
        yield "param", "params.yaml", "", "valid params", now
        return
    for entry in lock.values():
        for values in entry.get("params", {}).values():
            for key, value in leaves(values):
                if key in now and now[key] != value:
                    yield "param", "params.yaml", key, value, now[key]


def of_lock(root: Path, lock: Mapping[str, LockEntry], records: Iterable[Tree]) -> Iterator[Amiss]:
    """Stages of dvc.yaml that were sealed, and of which dvc.lock has nothing: cut short, or gone."""
    newest = {record["stage"]: record["lock_entry_sha256"] for record in records}
    for stage in _stages(root / "dvc.yaml"):
        if stage in newest and stage not in lock:
            yield "lock", f"dvc.lock: {stage}", "entry", newest[stage], ""


def _stages(file: Path) -> list[str]:
    try:
        return list(YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))["stages"])
    except (OSError, ValueError, TypeError, KeyError, YAMLError):
        return []  # `dvc` says so


def of_files(root: Path, lock: Mapping[str, LockEntry]) -> Iterator[Amiss]:
    """What lies among the outputs and has no content to hash: links to folders, links to nothing, pipes."""
    for path in (out["path"] for entry in lock.values() for out in entry.get("outs", [])):
        for folder, folders, files in os.walk(root / path):
            inside = Path(folder).relative_to(root)
            for name in folders:
                if Path(folder, name).is_symlink():
                    yield "output", (inside / name).as_posix(), "", "", "a link to a folder"
            for name in files:
                if not Path(folder, name).is_file():
                    yield "output", (inside / name).as_posix(), "", "", "no file, or a link to nothing"


def of_runs(
    stored: Mapping[str, Stored], records: Mapping[str, Tree], waiting: Iterable[str]
) -> Iterator[Amiss]:
    """Runs in the store that no stage made, and runs of executions that say more than their stages."""
    known = {*records, *waiting}
    for key, one in stored.items():
        place = f"run {one.id} of stage {one.run.info.run_name}"
        if key == one.id:
            yield "run", place, "", "", "a run that no stage made, or the copy of one"
        elif key not in known and one.run.info.status == "FINISHED" and ENTRY in one.run.data.tags:
            yield "run", place, "line of the ledger", "one", ""
    for parent, stages in by_execution(stored):
        yield from _of_execution(parent, [records[key] for key in stages if key in records], stages.values())


def _of_execution(parent: Any, records: list[Tree], stages: Iterable[Stored]) -> Iterator[Amiss]:
    known = [record["execution"] for record in records if record["execution"]]
    if not known:
        return
    said, info = known[0], parent.info
    place = f"run {info.run_id} of execution {said['name']}"
    facts = {"name": (said["name"], info.run_name), "lifecycle": ("active", info.lifecycle_stage)}
    yield from (("run", place, field, *pair) for field, pair in facts.items() if len({*pair}) > 1)
    if all(one.sealed for one in stages):  # else one that failed has said something, too
        headline = {limits.name(name) for record in records for name in record["reported"]["headline"]}
        for name in sorted(parent.data.metrics.keys() - headline):
            yield "run", place, f"metric {name}", "", parent.data.metrics[name]


def of_replays(
    runs: Mapping[str, Tree], certificates: Iterable[tuple[Tree, Tree]], waiting: Iterable[str]
) -> Iterator[Amiss]:
    """Replays that MLflow shows otherwise than they were sealed, or not at all."""
    sealed = {
        str(record["run"] if record.keys() >= _CERTIFICATE else "without a name"): (line, record)
        for line, record in certificates
    }
    for key in sorted(sealed.keys() - runs.keys() - {*waiting}):
        yield "run", f"run {key} of a replay", "", f"line {sealed[key][0]['number']} of the ledger", ""
    for key, (line, record) in sealed.items():
        if key in runs and key not in waiting:
            for one in _of_replay(line, record, runs[key]):
                yield one["kind"], one["place"], one["field"], one["sealed"], one["found"]
    for key in sorted(runs.keys() - sealed.keys() - {*waiting}):
        if runs[key]["tags"].get("dvc.kind") == REPLAY and runs[key]["status"] == "FINISHED":
            yield "run", f"run {runs[key]['id']} of a replay", "line of the ledger", "one", ""


def _of_replay(line: Tree, record: Tree, run: Tree) -> verifier.Findings:
    place, said = f"run {run['id']} of a replay", record["reported"]
    facts = {"name": record["name"], "start": record["started"], "status": "FINISHED", "lifecycle": "active"}
    yield from verifier.differences("run", place, "", facts, {key: run[key] for key in facts})
    tags = {**said["tags"], SEALED: f"{line['number']}:{line['hash']}"}
    yield from verifier.judge_said(place, {**said, "tags": tags}, dict(run))
    yield from verifier.differences("run", place, "metric", {}, run["latest"])


def of_trail(before: Iterable[str], lines: Iterable[bytes]) -> Iterator[Amiss]:
    """Lines of the ledger that runs named which were changed or deleted since: `before`, as number:hash."""
    chain = (verifier.parsed(text) for text in lines)
    known = {f"{line.get('number')}": line.get("hash") for line in chain}
    for number, _, name in sorted({text.partition(":") for text in before}):
        if known.get(number) != name:
            yield "ledger", f"ledger.jsonl:{number}", "hash that the trail names", name, known.get(number)
