"""What is checked out: the commit, what differs from it, and code that no commit has."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder, all_suffixes
from pathlib import Path, PurePosixPath

_CODE = ("src", "pipeline", "params.yaml", "dvc.yaml", "pyproject.toml", "requirements.lock")
# A pipeline changes these itself while it runs.
_OUTCOMES = (":(exclude)dvc.lock", ":(exclude)data")
_IMPORTED = ("src", "pipeline")
_LEADS_TO = frozenset({
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX",
})  # fmt: skip
"""Variables that say where a repository is, whatever folder git is told to work in."""


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that is checked out and its tree; `changes` is the difference of code and params to it.

    `dirty` also counts code that git does not know and that Python can import.
    """

    sha: str
    tree: str
    dirty: bool
    changes: str

    def tags(self) -> dict[str, str]:
        """For a run."""
        dirty = str(self.dirty).lower()
        return {"git.commit": self.sha, "mlflow.source.git.commit": self.sha, "git.dirty": dirty}


def commit(root: Path) -> Commit | None:
    """None outside a git repository, or before its first commit."""
    named = (_git(root, "rev-parse", "HEAD", "HEAD^{tree}") or "").split()
    if not named:
        return None
    sha, tree = named
    tracked = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", *_OUTCOMES)
    dirty = bool(tracked or _changed_unseen(root) or unknown_code(root))
    # Pathspecs that match nothing are no error for git diff.
    changes = _git(root, "diff", "--no-color", "--no-ext-diff", "HEAD", "--", *_CODE) if dirty else ""
    return Commit(sha, tree, dirty, changes or "")


def _changed_unseen(root: Path) -> list[str]:
    """Code that git was told to take for unchanged (`update-index`), and is not what its index has."""
    flagged = [one[2:] for one in _listed(root, "-v", "--", *_CODE) if one[0].islower() or one[0] == "S"]
    there = [name for name in flagged if (root / name).is_file()]  # a sparse checkout has not all of them
    if not there:
        return []
    meant = [one.split(maxsplit=3)[1] for one in _listed(root, "--stage", "--", *there)]
    found = (_git(root, "hash-object", "--", *there) or "").split()
    return [] if meant == found else there


def unknown_code(root: Path) -> set[str]:
    """Files that git does not know: below src/ and pipeline/, also those that it was told to overlook
    (`info/exclude`) and Python can import; and modules beside these folders that Python takes for others.
    """
    overlooked = {name for name in _others(root) if _is_import(root, name)}
    return {*_others(root, "--exclude-standard"), *overlooked, *_taken_for_others(root)}


def _others(root: Path, *but: str) -> list[str]:
    return _listed(root, "--others", *but, "--", *_IMPORTED)


def _listed(root: Path, *arguments: str) -> list[str]:
    return (_git(root, "ls-files", "-z", *arguments) or "").split("\0")[:-1]


def _is_import(root: Path, name: str) -> bool:
    """A module, or a folder into which git does not look: a link, another repository."""
    parts = PurePosixPath(name).parts
    names = all(part.partition(".")[0].isidentifier() for part in parts) and "__pycache__" not in parts
    return names and (name.endswith(tuple(all_suffixes())) or (root / name).is_dir())


def _taken_for_others(root: Path) -> set[str]:
    """`python -m pipeline.train` seeks each module in the project first: one may stand in for a package's."""
    files = [file.relative_to(root) for file in _modules(root)]
    names = {one.as_posix() for one in files if _is_installed(one.parts[0].partition(".")[0])}
    return names - {*_listed(root, "--", *names)} if names else names


def _modules(root: Path) -> Iterator[Path]:
    """Those that lie in this folder, a package by the file that makes it one.

    One without such a file (PEP 420, as `google`) has its parts wherever they lie: there each module counts.
    """
    for suffix in all_suffixes():
        yield from root.glob(f"*{suffix}")
        yield from root.glob(f"*/__init__{suffix}")
    for folder in (one for one in root.iterdir() if one.is_dir()):
        spec = _found(folder.name)
        if spec is not None and spec.origin is None:
            yield from (file for suffix in all_suffixes() for file in folder.rglob(f"*{suffix}"))


def _is_installed(module: str) -> bool:
    return module in sys.stdlib_module_names or _found(module) is not None


def _found(module: str) -> ModuleSpec | None:
    places = [sysconfig.get_path(name) for name in ("purelib", "platlib")]
    return PathFinder.find_spec(module, places)


def of_no_repository() -> dict[str, str]:
    """The variables for a git that works in another repository, as in a clone.

    Git sets such a variable in each hook and in `rebase --exec`: then what is done in the clone is done to
    the repository of who cloned.
    """
    return {name: value for name, value in os.environ.items() if name not in _LEADS_TO}


def _git(root: Path, *arguments: str) -> str | None:
    """What git says, to the letter: a patch without its last blank lines is none. None where it fails."""
    if shutil.which("git") is None:
        return None
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], env=of_no_repository(), capture_output=True, check=False
    )
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
