"""An in-toto statement with SLSA provenance for one stage: what it wrote, and from what.

https://github.com/in-toto/attestation/blob/main/spec/v1 and https://slsa.dev/spec/v1.0/provenance
"""

from collections.abc import Mapping
from typing import Any

from clintune.evidence.documents.moments import written
from clintune.evidence.documents.naming import Names, params_of
from clintune.evidence.subject import Record
from clintune.sealing.canonical import digest

STATEMENT, PREDICATE = "https://in-toto.io/Statement/v1", "https://slsa.dev/provenance/v1"
BUILD_TYPE, BUILDER = "urn:clintune:build:dvc-stage:1", "urn:clintune:builder:dvc-on-a-machine-of-the-user"
LEVEL = "Build L1: it says how the outputs came about; whoever ran the stage could have written it"


def attestation(record: Record, names: Names) -> dict[str, Any]:
    """The statement."""
    return {
        "_type": STATEMENT,
        "subject": _descriptors(record["outputs"], names),
        "predicateType": PREDICATE,
        "predicate": {"buildDefinition": _definition(record, names), "runDetails": _run(record)},
    }


def _definition(record: Record, names: Names) -> dict[str, Any]:
    environment = record["environment"]
    versions = {name: one["version"] for name, one in environment["distributions"].items()}
    return {
        "buildType": BUILD_TYPE,
        "externalParameters": {"params": params_of(record)},
        "internalParameters": {
            "stage": record["stage"],
            "cmd": record["lock"]["cmd"],
            "numeric_class": record["numeric_class"],
            "environment": {"python": environment["python"], "distributions": versions},
            "slsa_level": LEVEL,
        },
        "resolvedDependencies": [*_code(record["code"]), *_descriptors(record["inputs"], names)],
    }


def _code(code: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The commit; what is not part of it is said, never left out."""
    if code is None:
        return []
    said = {key: code[key] for key in ("tree", "dirty", "changes_sha256")}
    return [{"name": "git commit", "digest": {"gitCommit": code["commit"]}, "annotations": said}]


def _descriptors(sums: Mapping[str, Mapping[str, Any]], names: Names) -> list[dict[str, Any]]:
    found = [{"name": names(path), "digest": {"sha256": one["sha256"]}} for path, one in sums.items()]
    return sorted(found, key=lambda one: str(one["name"]))


def _run(record: Record) -> dict[str, Any]:
    installed = record["environment"]["distributions"]
    tools = {name: installed[name]["version"] for name in ("clintune", "dvc") if name in installed}
    return {
        "builder": {"id": BUILDER, "version": tools},
        "metadata": {
            "invocationId": record["run"],
            "startedOn": written(record["started"]).replace("+00:00", "Z"),
        },
        "byproducts": [{"name": "record in the ledger", "digest": {"sha256": digest(record)}}],
    }
