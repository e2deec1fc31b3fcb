"""What git holds, asked without a word on the screen: None where it holds nothing."""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from clintune.errors import UserError
from clintune.working_tree import of_no_repository

_SHOWN = 50
_NAMES = "--end-of-options"  # a forged record may hold an option where a commit is to stand
_EXPERIMENT = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/")
"""Before the name of one; what else lies there is DVC's own."""
_FORMAT = "%H%x00%an%x00%aI%x00%s"
"""What no commit can hold stands between. Names and subjects may hold all else that Python ends a line at."""
_AS_MADE = (
    "--no-replace-objects", "-c", "core.commitGraph=false", "-c", "i18n.logOutputEncoding=UTF-8",
    "-c", "log.showSignature=false",
)  # fmt: skip
"""The commits that were made, not what a file beside them says of them; in one encoding whatever a user wants
to see, and no line between the answers for one who wants to see signatures."""


@dataclass(frozen=True, slots=True)
class Commit:
    """As its author wrote it; nobody vouches for name and time but git."""

    sha: str
    author: str
    time: str
    subject: str


def commit_of(root: Path, revision: str) -> str | None:
    """The hash of the commit that a revision names, if it names one."""
    found = asked(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    return found.decode().strip() if found else None


def revision_of(root: Path, name: str) -> str | None:
    """The hash of the commit that a revision names, or an experiment of DVC.

    Raises UserError where several experiments are called so, of which each began at a commit of its own.
    """
    if (commit := commit_of(root, name)) is not None:
        return commit
    listed = asked(root, "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps")
    pairs = (line.split(" ", 1) for line in _lines(listed))
    found = [sha for sha, ref in pairs if _EXPERIMENT.sub("", ref) == name]
    if len(found) > 1:
        problem = f"{len(found)} experiments of DVC are called so"
        raise UserError(name, problem, f"name one by its commit: {', '.join(found)}")
    return found[0] if found else None


def blob(root: Path, commit: str, path: str) -> bytes | None:
    """The content of a file of the project at a commit."""
    if PurePosixPath(path).is_absolute():
        return None
    return asked(root, "show", _NAMES, f"{commit}:./{path}")


def facts(root: Path, commit: str) -> Commit | None:
    """Of one commit; None for one that is not in this repository."""
    found = _log(root, "-1", _NAMES, commit)
    return found[0] if found else None


def written_by(root: Path, commit: str) -> set[str]:
    """Address and name of author and committer; nobody where git does not know the commit."""
    return set(_lines(asked(root, "show", "-s", "--format=%ae%n%an%n%ce%n%cn", _NAMES, commit, "--")))


def between(root: Path, before: str, after: str) -> tuple[Commit, ...]:
    """The commits that the later one has and the earlier one has not, newest first, at most some dozens."""
    return tuple(_log(root, f"-{_SHOWN}", _NAMES, f"{before}..{after}"))


def is_cut_off(root: Path) -> bool:
    """Whether git goes back to some commits alone: in a clone with a depth, or where `.git/shallow` says."""
    return asked(root, "rev-parse", "--is-shallow-repository") == b"true\n"


def _log(root: Path, *arguments: str) -> list[Commit]:
    found = asked(root, "log", f"--format={_FORMAT}", *arguments, "--")
    return [Commit(*line.split("\0")) for line in _lines(found)]


def _lines(said: bytes | None) -> list[str]:
    """As git ends them. `str.splitlines` also cuts at what a name may hold, such as U+2028."""
    return [line for line in (said or b"").decode("utf-8", "replace").split("\n") if line]


def blobs(root: Path, commit: str, paths: Iterable[str]) -> dict[str, bytes]:
    """Those of these files of the project that a commit holds, all asked at once."""
    names = [path for path in paths if not PurePosixPath(path).is_absolute() and "\n" not in path]
    given = "".join(f"{commit}:./{name}\n" for name in names).encode(errors="surrogateescape")
    rest, found = asked(root, "cat-file", "--batch", given=given) or b"", {}
    for name in names:
        head, _, rest = rest.partition(b"\n")
        _, kind, *size = head.rsplit(b" ", 2)
        if kind == b"blob" and size:
            found[name], rest = rest[: int(size[0])], rest[int(size[0]) + 1 :]
    return found


def is_as_committed(root: Path, file: str) -> bool:
    """Whether this file is byte for byte that of HEAD; `git diff` passes over one that it is to overlook."""
    there = root / file
    return there.is_file() and there.read_bytes() == blob(root, "HEAD", file)


def asked(root: Path, *arguments: str, given: bytes = b"") -> bytes | None:
    """What git answers; None where it refuses. Raises UserError where there is no git."""
    done = _done(root, *arguments, given=given)
    return done.stdout if done.returncode == 0 else None


def forged(root: Path) -> tuple[str, ...]:
    """What git says of objects that are not those of their names; it shows them as if they were."""
    done = _done(root, "fsck", "--no-dangling", "--no-progress")
    said = done.stderr.decode("utf-8", "replace").splitlines()
    return tuple(line for line in said if "mismatch" in line or "corrupt" in line)


def refusal(root: Path) -> str:
    """Why git takes the folder for no working tree, in its own words; nothing where it takes it for one.

    With the variables that DVC's git and that of each stage have, too.
    """
    done = _done(root, "rev-parse", "--is-inside-work-tree", variables=os.environ)
    said = done.stderr.decode("utf-8", "replace").splitlines() or [f"it ended with {done.returncode}"]
    return said[0] if done.returncode else ""


def _done(
    root: Path, *arguments: str, given: bytes = b"", variables: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    command = ["git", *_AS_MADE, "-C", str(root), *arguments]
    # In its own language; and with a graft another history would stand in the place of that one.
    said = of_no_repository() if variables is None else variables
    environment = {**said, "LC_ALL": "C", "GIT_GRAFT_FILE": os.devnull}
    try:
        return subprocess.run(command, env=environment, input=given, capture_output=True, check=False)
    except FileNotFoundError:
        raise UserError("git", "not on this machine", "install it: it knows the commits") from None
