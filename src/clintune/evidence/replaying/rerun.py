"""clintune replay: the pipeline of a commit run again, from nothing, where nothing else is."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clintune.errors import LedgerError, UserError
from clintune.evidence.verification.observing import Sealed, ledger_in
from clintune.lockfile import LockEntry, entry_sha256, is_code, parse_lock, read_lock
from clintune.sealing.record import KIND
from clintune.tracking.home import Home

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "CLINTUNE_DEVICE", "CUDA_VISIBLE_DEVICES")
"""All that a replay gets of the environment: where programs are, and which device is used."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A pipeline that ran again: the records of both runs by stage, and how it ran."""

    commit: str
    folder: Path
    sealed: Mapping[str, Any]
    again: Mapping[str, Any]
    offline: bool
    seconds: float


def replay(root: Path, place: Home, revision: str | None, folder: Path) -> Replayed:
    """Clone a commit into `folder` and run every stage there: no cache, no network, a home of its own.

    Compared is what the commit's dvc.lock names; without a revision: HEAD, and dvc.lock as it lies there.

    Raises UserError where there is no such revision, no record of what it made, or where a stage fails.
    """
    named = revision or "HEAD"
    commit = git(root, "rev-parse", "--verify", f"{named}^{{commit}}", place=named)
    lock = read_lock(root / "dvc.lock") if revision is None else _committed_lock(root, commit)
    sealed = _records(ledger_in(place.ledger), lock)
    clone = folder / "clone"
    git(
        root, "clone", "-q", "--no-hardlinks", "--no-checkout", str(root.resolve()), str(clone), place="clone"
    )
    git(clone, "checkout", "-q", "--detach", commit, place=named)
    (clone / "dvc.lock").unlink(missing_ok=True)
    _bring_in(root, clone, lock)
    offline, began = can_cut_off(), time.monotonic()
    _run(clone, folder / "home", offline=offline)
    seconds = time.monotonic() - began
    again = _records(ledger_in(clone / ".clintune/ledger"), None)
    return Replayed(commit, clone, sealed, again, offline, seconds)


def _committed_lock(root: Path, commit: str) -> dict[str, LockEntry]:
    place = f"{commit[:12]}:dvc.lock"
    return parse_lock(git(root, "show", f"{commit}:dvc.lock", place=place), place=place)


def git(root: Path, *arguments: str, place: str) -> str:
    """What git says. Raises UserError where it refuses."""
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        problem = f"git {arguments[0]} failed ({done.stderr.strip().splitlines()[-1]})"
        raise UserError(place, problem, "name a commit of this repository with a dvc.lock")
    return done.stdout.strip()


def _records(chain: Sealed, lock: Mapping[str, LockEntry] | None) -> dict[str, Any]:
    """By stage: the record of each entry, or the last ones where there is no lock to go by."""
    sealed = [record for _, record in chain.of_kind(KIND)]
    if lock is None:
        return {record["stage"]: record for record in sealed}
    by_entry = {record["lock_entry_sha256"]: record for record in sealed}
    missing = [stage for stage, entry in lock.items() if entry_sha256(entry) not in by_entry]
    if missing:
        problem = f"no record here says how {', '.join(missing)} of dvc.lock came about"
        raise LedgerError(f"dvc.lock: {missing[0]}", problem, "replay where it was run, or dvc repro first")
    return {stage: by_entry[entry_sha256(entry)] for stage, entry in lock.items()}


def _bring_in(root: Path, clone: Path, lock: Mapping[str, LockEntry]) -> None:
    """What stages read and git does not know: a corpus that lies in the project, as it lies there now."""
    made = {out["path"] for entry in lock.values() for out in entry.get("outs", [])}
    for entry in lock.values():
        for dep in entry.get("deps", []):
            path = dep["path"]
            own = not Path(path).is_absolute() and not is_code(path)
            if own and not inside(path, made) and not (clone / path).exists() and (root / path).exists():
                (clone / path).parent.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if (root / path).is_dir() else shutil.copy2
                copy(root / path, clone / path)


def inside(path: str, folders: Set[str]) -> bool:
    """Whether it is one of them, or lies below one."""
    return any(str(one) in folders for one in (Path(path), *Path(path).parents))


def can_cut_off() -> bool:
    """Whether this user may give a process a network of its own, in which there is nobody else."""
    command = ["unshare", "--user", "--map-root-user", "--net", "true"]
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _run(clone: Path, home: Path, *, offline: bool) -> None:
    home.mkdir()
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
    environment |= {"PATH": path, "HOME": str(home), "DVC_NO_ANALYTICS": "1", "HF_HUB_OFFLINE": "1"}
    cut_off = ["unshare", "--user", "--map-root-user", "--net"] if offline else []
    command = [*cut_off, "dvc", "repro", "--force", "--no-run-cache"]
    done = subprocess.run(command, cwd=clone, env=environment, stdout=sys.stderr, check=False)
    if done.returncode:
        raise UserError("dvc repro", f"ended with {done.returncode} in {clone}", "what it says above is why")
