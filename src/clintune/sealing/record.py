"""The record of one stage: which data, code, params and environment made what, and what the run said."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clintune import provenance, working_tree
from clintune.lockfile import LockEntry, entry_sha256, inputs_sha256
from clintune.sealing.hashing import sums
from clintune.tracking.journal import Journal
from clintune.tracking.reported import execution, reported

KIND = "stage"

_DECIDES_BITS = (
    "ATEN_CPU_CAPABILITY", "CUBLAS_WORKSPACE_CONFIG", "CUDA_VISIBLE_DEVICES", "CLINTUNE_DEVICE",
    "MKL_CBWR", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "ONEDNN_MAX_CPU_ISA", "OPENBLAS_NUM_THREADS",
)  # fmt: skip
"""Variables that the math libraries read: with processor and versions, the numeric class of a result."""


def stage_record(journal: Journal, entry: LockEntry, commit: working_tree.Commit | None) -> dict[str, Any]:
    """What there is to say of a stage that has written its outputs, as a tree of JSON's types.

    `entry` is what DVC is about to write to dvc.lock: its MD5 sums stand beside the SHA-256 of every file.
    """
    opened, said = journal.opened, reported(journal.folder)
    return {
        "kind": KIND,
        "run": opened.key,
        "stage": opened.name,
        "started": opened.start,
        "by": opened.tags["mlflow.user"],
        "lock": entry,
        "lock_entry_sha256": entry_sha256(entry),
        "inputs_sha256": inputs_sha256(entry),
        "inputs": sums(Path(), (dep["path"] for dep in entry.get("deps", []))),
        "outputs": sums(Path(), (out["path"] for out in entry.get("outs", []))),
        "code": _code(commit),
        "environment": provenance.environment(),
        "numeric_class": _numeric_class(said["tags"]),
        "reported": said,
        "execution": None if opened.pipeline is None else execution(opened.pipeline, journal.folder),
    }


def _code(commit: working_tree.Commit | None) -> dict[str, Any] | None:
    if commit is None:
        return None
    changes = provenance.text_sha256(commit.changes) if commit.changes else None
    return {"commit": commit.sha, "tree": commit.tree, "dirty": commit.dirty, "changes_sha256": changes}


def _numeric_class(tags: Mapping[str, str]) -> dict[str, str]:
    found = {name: os.environ[name] for name in _DECIDES_BITS if name in os.environ}
    return found | {key: value for key, value in tags.items() if key.startswith("numerics.")}
