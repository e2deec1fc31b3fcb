"""DVC's cache against itself: each object is named by the MD5 of its content, and DVC trusts its age."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clintune.evidence.verification.findings import Finding
from clintune.lockfile import LockEntry, cache_folder

_FOLDER = ".dir"


def cache_findings(root: Path, lock: Mapping[str, LockEntry]) -> tuple[list[Finding], int]:
    """Objects that dvc.lock leads to and whose content has another name, and how many were looked at.

    An object that is not in the cache (after `dvc gc`, in a fresh clone) is none: nothing can come of it.
    """
    files = cache_folder(root)
    named = {out["md5"] for entry in lock.values() for out in entry.get("outs", []) if "md5" in out}
    objects = {name for name in _reachable(files, named) if _object(files, name).exists()}
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        hashes = dict(
            zip(
                sorted(objects),
                threads.map(lambda name: _md5(_object(files, name)), sorted(objects)),
                strict=True,
            )
        )
    wrong = {name: found for name, found in hashes.items() if found != name.removesuffix(_FOLDER)}
    findings = [
        Finding(
            "cache", os.path.relpath(_object(files, name), root), "MD5", name.removesuffix(_FOLDER), found
        )
        for name, found in wrong.items()
    ]
    return findings, len(objects)


def _reachable(files: Path, names: Iterable[str]) -> Iterator[str]:
    """The objects, and those that a folder among them lists."""
    for name in names:
        yield name
        if name.endswith(_FOLDER) and _object(files, name).exists():
            yield from _listed(_object(files, name))


def _listed(listing: Path) -> Iterator[str]:
    try:
        yield from [one["md5"] for one in json.loads(listing.read_bytes())]
    except (ValueError, TypeError, KeyError):
        return  # its own hash is wrong, and found so


def _object(files: Path, name: str) -> Path:
    return files / name[:2] / name[2:]


def _md5(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()
