"""States of a project that no stage has to run for: sealed records like those of real runs, with changes."""

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

from ruamel.yaml import YAML

from clintune.evidence.verification.sealed import ledger_in
from clintune.lockfile import entry_sha256, inputs_sha256
from clintune.sealing.ledger import Ledger
from tests.project import Project

Edit = Callable[[dict[str, Any]], None]


def ledger_of(project: Project) -> Ledger:
    return Ledger(project.root / ".clintune/ledger")


def newest(project: Project) -> dict[str, Any]:
    """By stage."""
    sealed = ledger_in(project.root / ".clintune/ledger").of_kind("stage")
    return {record["stage"]: record for _, record in sealed}


def run_again(project: Project, edits: Mapping[str, Edit], *, name: str) -> None:
    """Each of these stages gets a record and an entry of dvc.lock as its last run had, but for the edit."""
    yaml, file = YAML(), project.root / "dvc.lock"
    lock = yaml.load(file)
    for stage, edit in edits.items():
        record = copy.deepcopy(newest(project)[stage])
        record["run"] = f"{name}-{stage}"
        record["execution"] |= {"name": name, "process": name}
        edit(record)
        record["lock_entry_sha256"] = entry_sha256(record["lock"])
        record["inputs_sha256"] = inputs_sha256(record["lock"])
        ledger_of(project).append("stage", record["run"], record, at=1_800_000_000_000)
        lock["stages"][stage] = json.loads(json.dumps(record["lock"]))
    with file.open("w") as stream:
        yaml.dump(lock, stream)


def item(record: dict[str, Any], kind: str, path: str) -> dict[str, Any]:
    """What the entry of dvc.lock has of a path."""
    [found] = [one for one in record["lock"][kind] if one["path"] == path]
    return found
