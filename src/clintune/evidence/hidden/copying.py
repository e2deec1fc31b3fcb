"""A finished project somewhere else, as it lies in the working tree: what runs there changes nothing here."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clintune.errors import UserError
from clintune.evidence.paths import inside
from clintune.lockfile import LockEntry
from clintune.sealing.hashing import sums
from clintune.tracking.home import Home
from clintune.working_tree import of_no_repository

_FICLONE = 0x40049409
_NOT_COPIED = {".git", ".clintune", "__pycache__"}


@dataclass(frozen=True, slots=True)
class Copy:
    """The copied project at `root`, and the outputs of its stages as they were, at `whole`."""

    original: Path
    root: Path
    whole: Path
    lock: Mapping[str, LockEntry]

    def outputs(self, stage: str) -> list[str]:
        """Paths in the project."""
        return [out["path"] for out in self.lock[stage].get("outs", [])]

    def sums(self, stage: str) -> dict[str, str]:
        """SHA-256 of each file that the stage has made, by path."""
        return {path: one["sha256"] for path, one in sums(self.root, self.outputs(stage)).items()}

    def clear(self, stage: str) -> None:
        """What DVC does before it runs a stage."""
        for path in self.outputs(stage):
            _remove(self.root / path)

    def restore(self, stage: str) -> None:
        """The outputs as they were: the next stage reads what dvc.lock names."""
        for path in self.outputs(stage):
            _remove(self.root / path)
            _bring(self.whole / path, self.root / path)


def copy_of(project: Path, lock: Mapping[str, LockEntry], folder: Path) -> Copy:
    """All of the working tree but environments and caches, with git's records and without clintune's own.

    Raises UserError where something is missing that a stage of dvc.lock has made.
    """
    project = project.resolve()
    made = {out["path"] for entry in lock.values() for out in entry.get("outs", [])}
    missing = sorted(path for path in made if not (project / path).exists())
    if missing:
        raise UserError(missing[0], "dvc.lock names it, and it is not here", "dvc checkout, or dvc repro")
    copy = Copy(project, _place(folder, lock) / project.name, folder / "whole", lock)
    _working_tree(project, copy.root, made)
    for path in sorted(made):
        _bring(project / path, copy.root / path)
        _bring(project / path, copy.whole / path)
    _link_outside(project, copy.root, lock)
    _git(project, copy.root)
    return copy


def _place(folder: Path, lock: Mapping[str, LockEntry]) -> Path:
    """So deep that `../corpus` of a dependency still lies within the folder."""
    paths = [dep["path"] for entry in lock.values() for dep in entry.get("deps", [])]
    depth = max((Path(path).parts.count("..") for path in paths), default=0)
    return folder.joinpath(*["below"] * depth)


def _working_tree(project: Path, root: Path, made: set[str]) -> None:
    def left_out(folder: str, names: list[str]) -> set[str]:
        place = Path(folder).relative_to(project)
        found = {name for name in names if name in _NOT_COPIED or inside(str(place / name), made)}
        found |= {name for name in names if (Path(folder, name) / "pyvenv.cfg").exists()}
        found |= {"cache", "tmp"} if place == Path(".dvc") else set()
        return found | {name for name in names if _is_special(Path(folder, name))}

    shutil.copytree(project, root, symlinks=True, ignore=left_out, copy_function=_clone)


def _is_special(path: Path) -> bool:
    """A socket or a pipe, on which a copy would wait for ever."""
    return not (path.is_symlink() or path.is_file() or path.is_dir())


def _bring(source: Path, target: Path) -> None:
    """Without links: DVC may link an output to its cache."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_clone)
    else:
        _clone(str(source), str(target))


def _clone(source: str, target: str) -> str:
    """A second name for the same blocks where the file system has that; else a copy."""
    try:
        with Path(source).open("rb") as old, Path(target).open("wb") as new:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        shutil.copystat(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _link_outside(project: Path, root: Path, lock: Mapping[str, LockEntry]) -> None:
    """A dependency beside the project lies beside the copy too."""
    for entry in lock.values():
        for dep in entry.get("deps", []):
            there = Path(os.path.normpath(root / dep["path"]))
            if not Path(dep["path"]).is_absolute() and not there.exists():
                there.parent.mkdir(parents=True, exist_ok=True)
                there.symlink_to((project / dep["path"]).resolve())


def _git(project: Path, root: Path) -> None:
    """The same commits, branch and files; nothing where the project is no repository."""
    bare = root.parent / f"{root.name}.git"
    commands = (
        ["git", "clone", "-q", "--no-checkout", "--local", str(project), str(bare)],
        ["git", "-C", str(root), "reset", "-q"],
        ["git", "-C", str(root), "status", "-s"],  # or each stage's git reads every file: times are others
    )
    if shutil.which("git") is None:
        return
    for command in commands:
        if subprocess.run(command, env=of_no_repository(), capture_output=True, check=False).returncode:
            return
        if bare.exists():
            shutil.move(bare / ".git", root)
            bare.rmdir()


def hold_records(home: Home) -> int:
    """Records of what runs there stay there: no sender starts while this lock is held, and nobody waits."""
    home.root.mkdir(parents=True, exist_ok=True)
    home.trouble.touch()
    lock = os.open(home.sender_lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock
