"""A pipeline run again, from nothing, where nothing else is."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clintune.errors import UserError
from clintune.evidence.git import forged
from clintune.evidence.paths import inside
from clintune.evidence.replaying.comparison import differences, expect_comparable
from clintune.evidence.replaying.originals import Originals
from clintune.evidence.replaying.target import Target, git
from clintune.evidence.replaying.variations import Conditions, can_cut_off
from clintune.evidence.verification.sealed import ledger_in
from clintune.lockfile import LockEntry, is_code
from clintune.params import load_params
from clintune.sealing.hashing import sums
from clintune.sealing.record import KIND

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "CLINTUNE_DEVICE", "CUDA_VISIBLE_DEVICES")
"""All that a replay gets of the environment: where programs are, and which device is used."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A pipeline that ran again in `folder`: its records by stage, and how it ran.

    `originals` is what it is compared with. `seconds` is all of it, the clone included; `stages` what the
    stages took of that.
    """

    folder: Path
    originals: Originals
    again: Mapping[str, Any]
    offline: bool
    varied: tuple[str, ...]
    own_environment: bool
    seconds: float
    stages: float


def rerun(
    root: Path, target: Target, folder: Path, conditions: Conditions, *, own_environment: bool = False
) -> Replayed:
    """Clone the commit into `folder` and run its stages there: no cache, no network, a home of its own.

    With `own_environment` the packages of the commit's requirements.lock are installed first, into the clone.
    Raises UserError where a stage fails, or where a file that git does not know is not what a stage read.
    """
    began = time.monotonic()
    originals = Originals(root, target, folder / "originals")
    clone = cloned(root, target.commit, conditions.folder(folder))
    (clone / "dvc.lock").unlink(missing_ok=True)
    _bring_in(root, clone, target)
    conditions.age(clone)  # before an environment lies in it: that is linked to files outside
    programs = _build(clone) if own_environment else Path(sys.executable).parent
    apart = can_cut_off()
    code = _run(clone, folder, programs, conditions, stages=list(target.records), apart=apart)
    sealed = ledger_in(clone / ".clintune/ledger").of_kind(KIND)
    again = {record["stage"]: record for _, record in sealed}
    if code:
        problem = f"ended with {code} in the clone{_first_difference(originals, clone, target, again)}"
        step = "what it says above is why; --keep FOLDER leaves the clone there"
        raise UserError("dvc repro", problem, step)
    stages = sum(line["at"] - record["started"] for line, record in sealed) / 1000
    applied, made = conditions.applied(apart=apart), came_out(target, clone, again)
    seconds = time.monotonic() - began
    return Replayed(clone, originals, made, apart, applied, own_environment, seconds, stages)


def cloned(root: Path, commit: str, clone: Path) -> Path:
    """A commit of the repository in a new one at `clone`: where the project lies in it, maybe below others.

    Raises UserError where git refuses, or where the commit does not hold the project.
    """
    top, below = (git(root, "rev-parse", f"--show-{it}", place=str(root)) for it in ("toplevel", "prefix"))
    git(root, "clone", "-q", "--no-hardlinks", "--no-checkout", top, str(clone), place="clone")
    if said := forged(clone):
        step = "bring the objects in from another clone; what git shows may be of somebody's own making"
        raise UserError("clone", f"git holds objects under the names of others ({said[0]})", step)
    git(clone, "checkout", "-q", "--detach", commit, place=commit)
    if not (clone / below).is_dir():
        raise UserError(commit, f"it does not hold {below}", "name a commit that does")
    return clone / below


def came_out(target: Target, clone: Path, again: Mapping[str, Any]) -> dict[str, Any]:
    """The records of the clone, with the outputs that lie there, hashed here.

    The code that is replayed wrote those records, and could say anything. Raises UserError where there is
    none, LedgerError for one that has no form.
    """
    expect_comparable(again, f"{clone.name}/.clintune/ledger")
    found = {}
    for stage, sealed in target.records.items():
        if stage not in again:
            raise UserError(stage, "it sealed no record in the clone", "--keep FOLDER leaves the clone there")
        outs = [out["path"] for one in (sealed, again[stage]) for out in one["lock"].get("outs", [])]
        found[stage] = {**again[stage], "outputs": sums(clone, outs)}
    return found


def _bring_in(root: Path, clone: Path, target: Target) -> None:
    """What stages read and git does not know: a corpus, as it was read."""
    made = {out["path"] for entry in target.lock.values() for out in entry.get("outs", [])}
    for model in _models(root, clone):
        shutil.copytree(root / model, clone / model)
    for path in sorted(_data(target.lock) - made):
        is_outside = Path(path).is_absolute()
        if inside(path, made) or ((clone / path).exists() and not is_outside):
            continue
        _expect_as_sealed(root, path, target)
        if not is_outside:
            (clone / path).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (root / path).is_dir() else shutil.copy2
            copy(root / path, clone / path)


def _models(root: Path, clone: Path) -> Iterator[str]:
    """Folders here with a base model that the commit does not hold. Whoever loads it compares its sums."""
    try:
        encoders = load_params(clone / "params.yaml").model.encoders
    except UserError:
        return  # of another version of clintune, perhaps: that of the clone says what is wrong
    for name in (one.name for one in encoders if one.source == "folder"):
        if (root / name).is_dir() and not (clone / name).exists():  # an absolute one is its own
            yield name


def _expect_as_sealed(root: Path, path: str, target: Target) -> None:
    """Before hours are spent to find out that a corpus is another."""
    inputs = {file: one for record in target.records.values() for file, one in record["inputs"].items()}
    sealed = {file: one["sha256"] for file, one in inputs.items() if inside(file, {path})}
    now = {file: one["sha256"] for file, one in sums(root, [path]).items()}
    for file in sorted(sealed.keys() | now.keys()):
        if file not in sealed:
            raise UserError(file, "no stage read it", "take it away from what was read")
        if file not in now:
            problem = f"a stage read it with SHA-256 {sealed[file]}; it is neither here nor in the commit"
            raise UserError(file, problem, "put it back")
        if sealed[file] != now[file]:
            problem = f"a stage read it with SHA-256 {sealed[file]}; now it is {now[file]}"
            raise UserError(file, problem, "put back what was read")


def _data(lock: Mapping[str, LockEntry]) -> set[str]:
    """Dependencies that are no code."""
    paths = {dep["path"] for entry in lock.values() for dep in entry.get("deps", [])}
    return {path for path in paths if not is_code(path)}


def _build(clone: Path) -> Path:
    """The environment that the commit locks, by its own set-up; the folder of its programs."""
    base = Path(getattr(sys, "_base_executable", sys.executable))
    done = subprocess.run([base, "setup/environment.py"], cwd=clone, stdout=sys.stderr, check=False)
    if done.returncode:
        raise UserError("setup/environment.py", f"ended with {done.returncode}", "what it says above is why")
    return clone / ".venv/bin"


def _run(
    clone: Path, folder: Path, programs: Path, conditions: Conditions, *, stages: list[str], apart: bool
) -> int:
    """The exit code of `dvc repro`."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    path = f"{programs}{os.pathsep}{environment.get('PATH', os.defpath)}"
    environment |= {"PATH": path, "DVC_NO_ANALYTICS": "1", "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": _hub()}
    environment |= conditions.environment(folder)
    command = conditions.command(["dvc", "repro", "--force", "--no-run-cache", *stages], apart=apart)
    return subprocess.run(
        command, cwd=clone, env=environment, stdout=sys.stderr, umask=conditions.umask(), check=False
    ).returncode


def _hub() -> str:
    """Where this user's models of the Hub lie: there is another home, and each file has its SHA-256."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return HF_HUB_CACHE


def _first_difference(originals: Originals, clone: Path, target: Target, again: Mapping[str, Any]) -> str:
    """In what the stages before the one that failed were given, and made of it."""
    found = (
        one
        for stage, record in again.items()
        for one in differences(originals, clone, stage, target.records[stage], record)
    )
    first = next(found, None)
    return f", after a difference in {first}" if first else ""
