"""The lock files of the environment, against what was installed when the stages ran."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-setup.lock")
_ENTRY = re.compile(r"^([A-Za-z0-9][^\\\n]*?)\s*\\?\n((?:    --hash=\S+[^\n]*\n)*)", re.MULTILINE)
_BUILD = re.compile(r"clintune|torch|triton|(nvidia|cuda)-.*")
"""The project itself, and torch with what it brings: no hash can name a build for every machine."""


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock file. `always`: on every machine."""

    version: str
    hashes: int
    always: bool


Lock = Mapping[str, Locked]


def read_locks(root: Path) -> dict[str, Lock]:
    """By name of the lock file, those that are there; one that is no text locks nothing."""
    return {
        name: _parse((root / name).read_text(encoding="utf-8", errors="replace"))
        for name in LOCKS if (root / name).is_file()
    }  # fmt: skip


def _parse(text: str) -> Lock:
    lock = {}
    for entry, hashes in _ENTRY.findall(text if text.endswith("\n") else f"{text}\n"):
        try:
            requirement = Requirement(entry.strip())
        except InvalidRequirement:
            continue
        version = str(requirement.specifier).removeprefix("==")
        lock[plain(requirement.name)] = Locked(version, hashes.count("--hash="), requirement.marker is None)
    return lock


def plain(name: str) -> str:
    """As the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def unlike(locks: Mapping[str, Lock], installed: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What was installed otherwise than locked, in words, by name."""
    wanted = {name: one for lock in reversed(list(locks.values())) for name, one in lock.items()}
    found = {plain(name): one["version"].partition("+")[0] for name, one in installed.items()}
    other = [
        f"{name} {version}, locked is {wanted[name].version}"
        for name, version in found.items()
        if name in wanted and version != wanted[name].version.partition("+")[0]
    ]  # fmt: skip
    extra = [
        f"{name} {version}, in no lock file"
        for name, version in found.items() if name not in wanted and not _BUILD.fullmatch(name)
    ]  # fmt: skip
    needed = locks[LOCKS[0]]
    gone = [f"{name} was not installed" for name, one in needed.items() if one.always and name not in found]
    return sorted([*other, *extra, *gone])
