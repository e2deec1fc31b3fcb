"""Files of the project that documents quote, and only where they are what a record sealed."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clintune.evidence.git import asked
from clintune.evidence.subject import Record, Subject

SUMMARY, METRICS = "data/examples/summary.json", "data/evaluation/metrics.json"
MODEL_CARD, LOCK = "data/bundle/MODEL_CARD.md", "requirements.lock"

_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ \\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Quotes:
    """The bytes that were hashed are the bytes that are quoted. `refused` says why the others are not."""

    quoted: Mapping[str, bytes]
    refused: Mapping[str, str]

    @classmethod
    def of(cls, subject: Subject) -> "Quotes":
        """Read each file once: outputs by the SHA-256 of their record, the lock file by the commit."""
        sealed = {
            path: one["sha256"]
            for record in subject.records.values()
            for path, one in record["outputs"].items()
        }
        outcomes = {
            path: _output(subject.root, path, sealed.get(path)) for path in (SUMMARY, METRICS, MODEL_CARD)
        }
        outcomes[LOCK] = _committed(subject.root, LOCK, commit_of(subject.records))
        return cls(
            {path: found for path, found in outcomes.items() if isinstance(found, bytes)},
            {path: found for path, found in outcomes.items() if isinstance(found, str)},
        )

    def tree(self, path: str) -> Any:
        """The JSON of a file; None where it is not quoted."""
        return json.loads(self.quoted[path]) if path in self.quoted else None


def commit_of(records: Mapping[str, Record]) -> str | None:
    """The commit of the last stage; None where there was none."""
    codes = [record["code"] for record in records.values() if record["code"]]
    return codes[-1]["commit"] if codes else None


def _output(root: Path, path: str, sealed: str | None) -> bytes | str:
    """The content, or why it is not quoted."""
    if sealed is None:
        return "no record names it"
    if not (root / path).is_file():
        return f"not there; sealed with SHA-256 {sealed}"
    content = (root / path).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    return content if found == sealed else f"not as sealed: SHA-256 {found}, sealed {sealed}"


def _committed(root: Path, path: str, commit: str | None) -> bytes | str:
    """The content if it is that of the commit, by git's own hash of it."""
    if commit is None:
        return "no commit was sealed"
    named = asked(root, "rev-parse", "--verify", "--quiet", f"{commit}:./{path}")
    if named is None:
        return f"commit {commit} is not at hand, or does not have it"
    if not (root / path).is_file():
        return f"not there; part of commit {commit}"
    content, blob = (root / path).read_bytes(), named.decode().strip()
    hashed = hashlib.new("sha256" if len(blob) == 64 else "sha1", b"blob %d\0" % len(content) + content)
    return content if hashed.hexdigest() == blob else f"not that of commit {commit}"


def locked_hashes(lock: bytes) -> dict[tuple[str, str], list[str]]:
    """SHA-256 of the files that a lock file allows, by name and version."""
    found: dict[tuple[str, str], list[str]] = {}
    for block in re.split(r"^(?=[a-z0-9])", lock.decode("utf-8"), flags=re.MULTILINE):
        if pin := _PIN.match(block):
            found[plain_name(pin[1]), pin[2]] = sorted(_HASH.findall(block))
    return found


def plain_name(name: str) -> str:
    """A distribution's name in the one spelling that all spellings share (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
