"""What git knows of the commits that the records name."""

import hashlib
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from clintune.evidence.git import asked, blobs, commit_of, forged, is_as_committed, is_cut_off
from clintune.working_tree import unknown_code


@dataclass(frozen=True, slots=True)
class Repository:
    """`files`: by commit that is here, the SHA-256 of some files in it; none for one that it has not.

    `code`: the same of the code that the stages of dvc.lock ran. `unknown` files are code that is
    not in git, whatever it was told to overlook. `params_since`: when params.yaml last changed, as far as git
    knows; None where it is another now, or where git does not go back far enough. `forged`: what git says of
    objects that are not those of their names.
    """

    files: Mapping[str, Mapping[str, str]]
    code: Mapping[str, Mapping[str, str]]
    unknown: tuple[str, ...]
    params_since: date | None
    forged: tuple[str, ...] = ()


def read_repository(
    root: Path, commits: Iterable[str], files: Iterable[str], code: Mapping[str, Set[str]]
) -> Repository | None:
    """None outside a git repository. `code`: by commit, the files that ran."""
    if asked(root, "rev-parse", "HEAD") is None:
        return None
    here = [one for one in sorted(set(commits)) if commit_of(root, one) is not None]
    return Repository(
        files={commit: _sums(root, commit, files) for commit in here},
        code={commit: _sums(root, commit, code[commit]) for commit in here if commit in code},
        unknown=tuple(sorted(unknown_code(root))),
        params_since=_since(root, "params.yaml"),
        forged=forged(root),
    )


def _sums(root: Path, commit: str, files: Iterable[str]) -> dict[str, str]:
    contents = blobs(root, commit, files)
    return {name: hashlib.sha256(one).hexdigest() for name, one in contents.items()}


def _since(root: Path, file: str) -> date | None:
    if not is_as_committed(root, file) or is_cut_off(root):
        return None
    seconds = (asked(root, "log", "-1", "--format=%ct", "--", file) or b"").strip()
    return day(int(seconds) * 1000) if seconds else None


def day(milliseconds: int) -> date:
    """The day in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date()
