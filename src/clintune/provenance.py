"""What a result rests on besides its inputs: the commit, the installed packages, the processor."""

import getpass
import hashlib
import platform
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_CODE = ("src", "pipeline", "params.yaml", "dvc.yaml", "pyproject.toml", "requirements.lock")
# A pipeline changes these itself while it runs.
_OUTCOMES = (":(exclude)dvc.lock", ":(exclude)data")
_UNTRACKED_CODE = ("src", "pipeline")


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that is checked out; `changes` is the difference of code and params to it.

    `dirty` also counts files that git does not know below src/ and pipeline/: they can be imported.
    """

    sha: str
    dirty: bool
    changes: str

    def tags(self) -> dict[str, str]:
        """For a run."""
        dirty = str(self.dirty).lower()
        return {"git.commit": self.sha, "mlflow.source.git.commit": self.sha, "git.dirty": dirty}


def commit() -> Commit | None:
    """None outside a git repository, or before its first commit."""
    sha = (_git("rev-parse", "HEAD") or "").strip()
    if not sha:
        return None
    tracked = _git("status", "--porcelain", "--untracked-files=no", "--", ".", *_OUTCOMES)
    unknown = _git("ls-files", "--others", "--exclude-standard", "--", *_UNTRACKED_CODE)
    dirty = bool(tracked or unknown)
    # Pathspecs that match nothing are no error for git diff.
    changes = _git("diff", "--no-color", "--no-ext-diff", "HEAD", "--", *_CODE) if dirty else ""
    return Commit(sha, dirty, changes or "")


def _git(*arguments: str) -> str | None:
    """What git says, to the letter: a patch without its last blank lines is none. None where it fails."""
    done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def packages(search_path: Iterable[str] = ()) -> list[str]:
    """`name==version` of every installed distribution, sorted. The first one on the path counts."""
    # importlib.metadata opens every METADATA file (0.3 s for 200); the folder names say the same.
    found: dict[str, str] = {}
    for folder in search_path or sys.path:
        for info in Path(folder).glob("*.dist-info"):
            name, _, version = info.stem.rpartition("-")
            found.setdefault(name.replace("_", "-").lower(), version)
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def environment_text() -> str:
    """The interpreter and the packages, one per line."""
    return "\n".join([f"python=={platform.python_version()}", *packages()]) + "\n"


def text_sha256(text: str) -> str:
    """SHA-256 of the text in UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Processor:
    """The CPU: bits of a result repeat only where the flags (and the rest of the numeric class) do."""

    name: str
    flags_sha256: str


def processor() -> Processor:
    """What the kernel says of the first CPU; name and flags are empty where it says nothing."""
    facts: dict[str, str] = {}
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().split("\n\n", 1)[0].splitlines():
            key, _, value = line.partition(":")
            facts[key.strip()] = value.strip()
    flags = " ".join(sorted(facts.get("flags", facts.get("Features", "")).split()))
    return Processor(facts.get("model name", platform.machine()), text_sha256(flags))


def user() -> str:
    """Who started this; `unknown` in a container without a name for the user id."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
