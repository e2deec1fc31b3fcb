"""What DVC calls modified, looked at: which lines of code, which files of a folder, which packages."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from clintune import provenance
from clintune.evidence.changes.differing import FILES
from clintune.evidence.changes.kept import Kept
from clintune.evidence.changes.states import State, state_of
from clintune.evidence.changes.texts import hunks
from clintune.evidence.git import commit_of
from clintune.evidence.paths import inside
from clintune.evidence.verification.sealed import ledger_in
from clintune.lockfile import is_code
from clintune.sealing.hashing import sums
from clintune.tracking.home import Home

_HUNKS, _FILES = 4, 4
_SHORT = 8


class Last:
    """The last run of each stage, as dvc.lock and the sealed records have it, beside the working tree."""

    def __init__(self, root: Path, home: Home) -> None:
        self._root = root
        self._home = home

    @cached_property
    def _state(self) -> State:
        return state_of(self._root, self._home, ledger_in(self._home.ledger), None)

    @cached_property
    def _made(self) -> set[str]:
        """What stages write: all else comes from elsewhere, as a corpus does."""
        return {out["path"] for entry in self._state.lock.values() for out in entry.get("outs", [])}

    def ran(self, stage: str) -> bool:
        """Whether dvc.lock has the stage."""
        return (self._root / "dvc.lock").exists() and stage in self._state.lock

    def details(self, stage: str, path: str) -> list[str]:
        """Of a file or folder that is another now: what in it, line by line or file by file."""
        if is_code(path):
            return list(self._lines(stage, path))
        return list(self._files(stage, path))

    def _lines(self, stage: str, path: str) -> Iterator[str]:
        here, record = self._root / path, self._state.record(stage)
        if not here.is_file():
            return
        md5 = next((one["md5"] for one in self._state.lock[stage]["deps"] if one["path"] == path), None)
        sealed = record["inputs"].get(path) if record else None
        code = record["code"] if record else None
        places = [code["commit"] if code else None, commit_of(self._root, "HEAD")]
        old = Kept(self._root).find_by(
            path, md5=md5, sha256=sealed["sha256"] if sealed else None,
            commits=tuple(dict.fromkeys(commit for commit in places if commit)),
        )  # fmt: skip
        if old is None:
            dirty = code is not None and code["dirty"]
            why = "it ran with changes that no commit has" if dirty else "no commit at hand has it"
            yield f"{path}: the old text is not kept: {why}"
            return
        found = hunks(old, here.read_bytes())
        yield from (f"{path}:{one}" for one in found[:_HUNKS])
        if len(found) > _HUNKS:
            yield f"{path}: {len(found) - _HUNKS} more places"

    def _files(self, stage: str, path: str) -> Iterator[str]:
        """By sealed SHA-256. Of files of a corpus no name: it may be that of a person."""
        record = self._state.record(stage)
        if record is None:
            return
        before = {
            name: one["sha256"] for side in ("inputs", "outputs") for name, one in record[side].items()
            if name == path or name.startswith(f"{path}/")
        }  # fmt: skip
        now = {name: one["sha256"] for name, one in sums(self._root, [path]).items()}
        changed = [name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)]
        raw = [name for name in changed if name.startswith(FILES) or not inside(name, self._made)]
        yield from _counted(raw, before, now)
        named = [name for name in changed if name not in raw and name != path]
        for name in named[:_FILES]:
            yield f"{name}: {_how(name, before, now)}"
        if len(named) > _FILES:
            yield f"{path}: {len(named) - _FILES} more files"

    def notes(self) -> list[str]:
        """Packages that the stages ran with, and that are others now. DVC does not look at them."""
        installed = {"python": provenance.python()}
        installed |= {name: one["version"] for name, one in provenance.distributions().items()}
        found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        if not (self._root / "dvc.lock").exists():
            return []
        for stage, (_, record) in self._state.sealed.items():
            made = _versions(record)
            for name in made.keys() | installed.keys():
                if name != "clintune" and made.get(name) != installed.get(name):
                    found[name, made.get(name, "nothing"), installed.get(name, "nothing")].append(stage)
        return [
            f"{', '.join(stages)}: made with {name} {was}, here is {now}: not stale for DVC"
            for (name, was, now), stages in sorted(found.items())
        ]


def _versions(record: Mapping[str, Any]) -> dict[str, str]:
    environment = record["environment"]
    versions = {name: str(one["version"]) for name, one in environment["distributions"].items()}
    return {"python": environment["python"], **versions}


def _counted(names: list[str], before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for how in ("added", "removed", "changed"):
        meant = [name for name in names if _how(name, before, now) == how]
        hashes = [now.get(name, before.get(name, ""))[:_SHORT] for name in meant]
        if meant:
            more = ", …" if len(hashes) > _FILES else ""
            yield f"files {how}: {len(meant)}, SHA-256 {', '.join(sorted(hashes)[:_FILES])}{more}"


def _how(name: str, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    return "added" if name not in before else "removed" if name not in now else "changed"
