"""What must not matter, changed on purpose: where, by whom, when and in which order a pipeline runs."""

import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

VARIATIONS = {
    "path": "a folder with blanks and letters beyond ASCII",
    "user": "another name of the user",
    "host": "another name of the host",
    "time zone": "UTC+14",
    "locale": "the C locale",
    "umask": "077",
    "order": "every listing of a folder backwards",
    "home": "another home, another folder for what is temporary",
    "hash seed": "another order of Python's sets",
    "times": "files of all ages",
}
"""Name -> what is done. `host` needs a kernel that lets this user make a name space."""

_ELSEWHERE = "réplique à côté"
_RENAMED = "import os, socket, sys; socket.sethostname('elsewhere'); os.execvp(sys.argv[1], sys.argv[1:])"
_BACKWARDS = """\
import os

_listed, _scanned = os.listdir, os.scandir


class _Backwards:
    def __init__(self, scanned):
        with scanned:
            self._entries = iter(sorted(scanned, key=lambda entry: entry.name, reverse=True))

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._entries)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def close(self):
        return None


os.listdir = lambda path=".": sorted(_listed(path), reverse=True)
os.scandir = lambda path=".": _Backwards(_scanned(path))
"""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is varied, of VARIATIONS."""

    varied: frozenset[str] = frozenset()

    def folder(self, below: Path) -> Path:
        """Where the clone lies."""
        return below / (_ELSEWHERE if "path" in self.varied else "clone")

    def umask(self) -> int:
        """For new files; -1 leaves it as it is."""
        return 0o077 if "umask" in self.varied else -1

    def environment(self, below: Path) -> dict[str, str]:
        """Variables, over those that a replay passes on. Makes the folders that they name."""
        home = below / ("somebody's home" if "home" in self.varied else "home")
        home.mkdir()
        found = {"HOME": str(home)}
        if "home" in self.varied:
            (home / "tmp").mkdir()
            found |= {"TMPDIR": str(home / "tmp")}
        if "user" in self.varied:
            found |= {"USER": "somebody", "LOGNAME": "somebody"}
        if "time zone" in self.varied:
            found |= {"TZ": "Pacific/Kiritimati"}
        if "locale" in self.varied:
            found |= {"LC_ALL": "C", "LANG": "C"}
        if "hash seed" in self.varied:
            found |= {"PYTHONHASHSEED": "7"}
        if "order" in self.varied:
            (below / "order").mkdir()
            (below / "order/sitecustomize.py").write_text(_BACKWARDS, encoding="utf-8")
            found |= {"PYTHONPATH": str(below / "order")}
        return found

    def command(self, command: list[str], *, apart: bool) -> list[str]:
        """The command, in a network and under a host name of its own where the kernel allows it (`apart`)."""
        if not apart:
            return command
        unshare = ["unshare", "--user", "--map-root-user", "--net"]
        if "host" not in self.varied:
            return [*unshare, *command]
        return [*unshare, "--uts", sys.executable, "-c", _RENAMED, *command]

    def age(self, clone: Path) -> None:
        """Give each file of the checkout a time of its own, in the past."""
        if "times" in self.varied:
            dice = random.Random(0)
            for file in sorted(clone.rglob("*")):
                if file.is_file() and not file.is_symlink() and ".git" not in file.relative_to(clone).parts:
                    os.utime(file, (at := dice.randrange(10**9), at))

    def applied(self, *, apart: bool) -> tuple[str, ...]:
        """What is varied in fact, in the order of VARIATIONS."""
        return tuple(name for name in VARIATIONS if name in self.varied and (apart or name != "host"))


def can_cut_off() -> bool:
    """Whether this user may give a process a network of its own, in which there is nobody else."""
    command = ["unshare", "--user", "--map-root-user", "--net", "--uts", "true"]
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def conditions_of(vary: str | None) -> list[Conditions]:
    """`all`: everything at once; `each`: one after the other; None: nothing."""
    match vary:
        case None:
            return [Conditions()]
        case "all":
            return [Conditions(frozenset(VARIATIONS))]
        case _:
            return [Conditions(frozenset({name})) for name in VARIATIONS]
