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
from clintune.tracking import limits
from clintune.tracking.artifacts import as_text
from clintune.tracking.run import SEALED
from clintune.tracking.stored import OVER, Logged, Registered, Stored, by_execution
from clintune.tracking.trail.reading import Change

Tree: TypeAlias = Mapping[str, Any]
Amiss: TypeAlias = tuple[str, str, str, object, object]
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
    """Runs in the store that no stage made, and runs of executions that say more than their stages.

    `others` are known to be neither: replays.
    """
    known = {*records, *others}
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


def of_metrics(unshown: Iterable[tuple[str, str]], stored: Mapping[str, Stored]) -> Iterator[Amiss]:
    """Points that nobody sees who asks MLflow which metrics a run has."""
    own = _with_executions(stored)
    for run, name in unshown:
        if run in own:
            place = f"run {run} of {own[run].info.run_name}"
            yield "run", place, f"metric {name}", "", "points that MLflow does not show"


def of_moves(trail: Iterable[Change], stored: Mapping[str, Stored]) -> Iterator[Amiss]:
    """Runs that somebody put into another experiment, which MLflow never does. `trail`: oldest first."""
    first = dict[str, str]()
    for row in (verifier.parsed(one.before or "") for one in trail if one.place == "runs"):
        first.setdefault(str(row.get("run_uuid")), str(row.get("experiment_id")))
    own = _with_executions(stored)
    for name in sorted(first.keys() & own.keys()):
        info = own[name].info
        if first[name] != str(info.experiment_id):
            yield "run", f"run {name} of {info.run_name}", "experiment", first[name], info.experiment_id


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
    }  # fmt: skip
    yield from (("run", place, field, *pair) for field, pair in facts.items() if len({*pair}) > 1)
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
            yield from _as_amiss(_of_replay(line, record, runs[key]))
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


def of_registry(
    versions: Iterable[Registered], stored: Mapping[str, Stored], records: Mapping[str, Tree]
) -> Iterator[Amiss]:
    """Versions of models that no sealed run made, or with other tags; models of sealed runs without one.

    What lies in a version is compared with the model that the run logged. A run of a stage that did not
    finish may have registered one.
    """
    runs = {one.id: key for key, one in stored.items()}
    said = {key: record["reported"]["models"] for key, record in records.items()}
    models = {key: {one["name"]: one for one in own} for key, own in said.items()}
    names, there = {name for own in models.values() for name in own}, set[tuple[str, str]]()
    executions = {one.parent_id for one in stored.values()} - runs.keys()
    for one in versions:
        key, place = runs.get(one.run_id, ""), f"model {one.name}, version {one.number}"
        there.add((key, one.name))
        unsealed = key not in records and (not key or stored[key].run.info.status == "FINISHED")
        if one.run_id in executions or (one.name in names and unsealed):
            yield "run", place, "run", "one that was sealed", one.run_id or "none"
        yield from _of_version(one, place, stored[key].run) if key in records else ()
        tags = limits.tags(models.get(key, {}).get(one.name, {"tags": one.tags})["tags"])
        for tag in sorted(tags.keys() | one.tags.keys()):
            if tags.get(tag) != one.tags.get(tag):
                yield "run", place, f"tag {tag}", tags.get(tag), one.tags.get(tag)
    for key in models.keys() & stored.keys():
        for name in models[key]:
            if stored[key].sealed and (key, name) not in there:
                yield "run", f"run {stored[key].id}", f"model {name}", "a registered version", ""


def _of_version(one: Registered, place: str, run: Any) -> Iterator[Amiss]:
    """One that a sealed run made is of a model that this run logged, and leads to that run."""
    own = [f"models:/{it.model_id}" for it in (run.outputs.model_outputs if run.outputs else ())]
    if one.source not in own:
        yield "run", place, "source", ", ".join(own), one.source
    if one.link:
        yield "run", place, "link in place of its run", "", one.link


def of_models(
    models: Iterable[Logged], stored: Mapping[str, Stored], records: Mapping[str, Tree]
) -> Iterator[Amiss]:
    """Models that say otherwise than the sealed run which logged them, and runs that show those of others.

    What lies in a model is compared with what was sealed. One of an execution, or of a sealed name and no
    sealed run, is nobody's; a run of a stage that did not finish may have logged one.
    """
    runs, own = {one.id: key for key, one in stored.items()}, {key: set[str]() for key in records}
    names = {one["name"] for record in records.values() for one in record["reported"]["models"]}
    executions = {one.parent_id for one in stored.values()}
    for one in models:
        key = runs.get(one.run_id, "")
        ended = not key or stored[key].run.info.status in OVER
        if key in records:
            own[key].add(one.id)
            yield from _of_model(one, records[key]["reported"])
        elif one.run_id in executions or (one.name in names and ended):
            yield "run", f"model {one.name}, {one.id}", "", "", "a model that no stage logged"
    for key in sorted(stored):
        run, mine = stored[key].run, own.get(key, set())
        shown = {model.model_id for model in run.outputs.model_outputs} if run.outputs else set[str]()
        over = stored[key].sealed if key in records else run.info.status in OVER
        for name in sorted(shown ^ mine) if over else ():
            sealed, found = ("its own", "") if name in mine else ("", "shown")
            yield "run", f"run {stored[key].id}", f"model {name}", sealed, found


def _of_model(model: Logged, said: Tree) -> Iterator[Amiss]:
    place, sealed = f"model {model.name}, {model.id}", {one["name"]: one for one in said["models"]}
    if model.name not in sealed:
        yield "run", place, "", "", "a model that no stage logged"
        return
    tags, params = limits.tags(sealed[model.name]["tags"]), limits.params(said["params"])
    for kind, was, now in (
        ("tag", tags, model.tags), ("param", params, model.params), ("metric", {}, model.metrics)
    ):  # fmt: skip
        yield from _as_amiss(verifier.differences("run", place, kind, was, dict(now)))


def _as_amiss(found: verifier.Findings) -> Iterator[Amiss]:
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
