"""What git knows of the commits that the records name."""

import hashlib
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Repository:
    """`files`: by commit that is here, the SHA-256 of some files in it; none for one that it has not.

    `unknown` files below src/ and pipeline/ are not in git. `params_since`: when params.yaml last changed,
    as far as git knows; None where it is another now.
    """

    files: Mapping[str, Mapping[str, str]]
    unknown: int
    params_since: date | None


def read_repository(root: Path, commits: Iterable[str], files: Iterable[str]) -> Repository | None:
    """None outside a git repository."""
    if _git(root, "rev-parse", "HEAD") is None:
        return None
    here = {
        one: _git(root, "cat-file", "-e", f"{one}^{{commit}}") is not None for one in sorted(set(commits))
    }
    listed = _git(root, "ls-files", "--others", "--exclude-standard", "--", "src", "pipeline") or b""
    return Repository(
        files={commit: _sums(root, commit, files) for commit, there in here.items() if there},
        unknown=len(listed.splitlines()),
        params_since=_since(root, "params.yaml"),
    )


def _sums(root: Path, commit: str, files: Iterable[str]) -> dict[str, str]:
    contents = {name: _git(root, "cat-file", "blob", f"{commit}:{name}") for name in files}
    return {name: hashlib.sha256(one).hexdigest() for name, one in contents.items() if one is not None}


def _since(root: Path, file: str) -> date | None:
    if _git(root, "diff", "--quiet", "HEAD", "--", file) is None:
        return None
    seconds = (_git(root, "log", "-1", "--format=%ct", "--", file) or b"").strip()
    return day(int(seconds) * 1000) if seconds else None


def day(milliseconds: int) -> date:
    """The day in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date()


def _git(root: Path, *arguments: str) -> bytes | None:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def show(root: Path, commit: str, file: str) -> str | None:
    """A file as a commit has it; None where it has none, or there is no such commit."""
    content = _git(root, "cat-file", "blob", f"{commit}:{file}")
    return None if content is None else content.decode("utf-8")
