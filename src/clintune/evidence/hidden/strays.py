"""Which of the things that a stage opened or called dvc.yaml does not declare."""

import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from clintune.evidence.hidden.calls import Calls, Contact
from clintune.evidence.hidden.copying import Copy
from clintune.evidence.hidden.finding import Hidden
from clintune.files import sha256
from clintune.params import leaves

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/proc", "/sys", "/dev",
           "/run", "/nix/store", "/snap")  # fmt: skip
"""What belongs to the machine, not to whoever runs the stage."""
_SERVICES = ("/dev/log", "/run/systemd", "/run/nscd", "/run/dbus", "/run/nvidia-persistenced",
             "/var/lib/sss/pipes", "/tmp/nvidia-mps")  # fmt: skip
"""Whom the C library and drivers ask through a socket: for names of users and hosts, for a GPU."""
_NO_FILES = "/memfd:"
"""So begins the path of what lies in memory alone."""
_ALWAYS = ("params.yaml", "dvc.yaml", "dvc.lock", ".clintune")
"""The whole of params.yaml is validated by every stage; which keys one reads is for tests."""


@dataclass(frozen=True)
class Declared:
    """What a stage may use. `scratch` holds the tracer's own files, `server` is the tracking store."""

    copy: Copy
    stage: str
    scratch: Path
    server: frozenset[Contact]
    by: str

    @cached_property
    def _paths(self) -> frozenset[str]:
        entry = self.copy.lock[self.stage]
        named = [one["path"] for kind in ("deps", "outs") for one in entry.get(kind, ())]
        return frozenset(str((self.copy.root / path).resolve()) for path in (*named, *_ALWAYS))

    @cached_property
    def _sums(self) -> frozenset[str]:
        """What params name by its SHA-256: a corpus, a base model in a cache."""
        values = self.copy.lock[self.stage].get("params", {}).values()
        return frozenset(value for tree in values for _, value in leaves(tree) if isinstance(value, str))

    def strays(self, calls: Calls) -> Iterator[Hidden]:
        """Files and programs first, then addresses."""
        step = "add it to its deps in dvc.yaml, or leave it alone"
        yield from self._files(filter(self._is_stray, map(source_of, calls.read)), "opened to read", step)
        gone = filter(self._is_gone, map(Path, calls.there))
        yield from self._files(gone, "opened to read, and taken away since", step)
        programs = map(source_of, calls.programs - calls.read)
        yield from self._files(filter(self._is_stray, programs), "started", step)
        for contact in sorted(filter(self._is_foreign, calls.contacts), key=str):
            step = "bring it in as a file that dvc.yaml declares, or leave the network alone"
            yield Hidden(self.stage, "network", str(contact), f"called ({self.by})", step)

    def _files(self, paths: Iterable[Path], how: str, step: str) -> Iterator[Hidden]:
        for path in sorted({*paths}):
            yield Hidden(self.stage, "file", self._shown(path), f"{how} ({self.by})", step)

    def _is_stray(self, path: Path) -> bool:
        if self._is_known(path):
            return False
        if path.is_relative_to(self.copy.root):  # what was not there before, the stage made itself
            return (self.copy.original / path.relative_to(self.copy.root)).is_file()
        return path.is_file() and sha256(path) not in self._sums

    def _is_gone(self, path: Path) -> bool:
        is_elsewhere = not path.is_relative_to(self.copy.root) and not str(path).startswith(_NO_FILES)
        return is_elsewhere and not path.exists() and not self._is_known(path)

    def _is_known(self, path: Path) -> bool:
        if within(path, self._paths) or path.is_relative_to(self.scratch):
            return True
        if path.is_relative_to(self.copy.root):
            return False
        return within(path, installed()) or within(path, _SYSTEM)

    def _is_foreign(self, contact: Contact) -> bool:
        if contact.port is None:
            return not within(Path(os.path.realpath(contact.host)), _SERVICES)
        return contact not in self.server

    def _shown(self, path: Path) -> str:
        root = self.copy.root
        return str(path.relative_to(root) if path.is_relative_to(root) else path)


def within(path: Path, places: Set[str] | tuple[str, ...]) -> bool:
    """Whether it is one of them, or below one."""
    return any(str(one) in places for one in (path, *path.parents))


def installed() -> frozenset[str]:
    """Where the interpreter, the standard library and the distributions lie."""
    paths = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix, *site.getsitepackages()]
    paths += [site.getusersitepackages(), *sysconfig.get_paths().values(), sys.executable]
    return frozenset(os.path.realpath(path) for path in paths)


def source_of(path: str) -> Path:
    """The module that a compiled file stands for."""
    file = Path(path)
    if file.parent.name == "__pycache__" and file.suffix == ".pyc":
        return file.parents[1] / f"{file.name.split('.')[0]}.py"
    return file
