"""What differs between a stage as it was sealed, as it is claimed to be now, and as it came out again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from clintune.evidence.replaying.contrast import contrast
from clintune.evidence.subject import Record
from clintune.files import sha256
from clintune.lockfile import LockEntry
from clintune.params import leaves


@dataclass(frozen=True, slots=True)
class Difference:
    """A file, param or package that is not the same in both runs of a stage. `where` says where it begins."""

    stage: str
    kind: Literal["input", "param", "package", "output", "score", "lock", "file", "run"]
    place: str
    sealed: str
    again: str
    where: str

    def __str__(self) -> str:
        return f"stage {self.stage}, {self.kind} {self.place}: {self.where}"


def differences(root: Path, clone: Path, stage: str, sealed: Record, again: Record) -> Iterator[Difference]:
    """Of what was sealed. Inputs first: what was given something else cannot be blamed for the rest."""
    before, after = (dict(_params(record)) for record in (sealed, again))
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            was, now = (str(values.get(key, "")) for values in (before, after))
            yield Difference(stage, "param", key, was, now, f"was {was}, is {now}")
    kinds: tuple[tuple[Literal["input", "output"], str], ...] = (("input", "inputs"), ("output", "outputs"))
    for kind, side in kinds:
        for path in sorted(sealed[side].keys() | again[side].keys()):
            was, now = (record[side].get(path, {}).get("sha256", "") for record in (sealed, again))
            if was != now:
                yield Difference(stage, kind, path, was, now, _where(root / path, clone / path, was, now))
    yield from _scores(stage, "score", sealed["reported"]["headline"], again["reported"]["headline"])


def claims(
    root: Path, clone: Path, stage: str, entry: LockEntry, shown: Mapping[str, float], again: Record
) -> Iterator[Difference]:
    """Of what is said today: by dvc.lock, by the files that lie there, by the run in MLflow (`shown`)."""
    said, made = (
        {out["path"]: out.get("md5", "") for out in one.get("outs", [])} for one in (entry, again["lock"])
    )
    for path in sorted(said.keys() | made.keys()):
        was, now = said.get(path, ""), made.get(path, "")
        if was != now:
            yield Difference(stage, "lock", f"dvc.lock: out {path}", was, now, f"says {was}, is {now}")
    for path, one in sorted(again["outputs"].items()):
        file = root / path
        found = sha256(file) if file.is_file() else ""
        if found and found != one["sha256"]:
            where = _where(file, clone / path, found, one["sha256"])
            yield Difference(stage, "file", path, found, one["sha256"], where)
    headline = again["reported"]["headline"]
    yield from _scores(stage, "run", {name: shown[name] for name in shown if name in headline}, headline)


def _scores(
    stage: str, kind: Literal["score", "run"], was: Mapping[str, float], now: Mapping[str, float]
) -> Iterator[Difference]:
    for name in sorted(was):
        if was[name] != now.get(name):
            old, new = repr(was[name]), repr(now.get(name))
            yield Difference(stage, kind, f"metric {name}", old, new, f"says {old}, is {new}")


def _where(here: Path, there: Path, was: str, now: str) -> str:
    if not was or not now:
        return "is there now, was not" if not was else "is not there"
    if not here.is_file() or sha256(here) != was or not there.is_file() or sha256(there) != now:
        return "another SHA-256; the files are not at hand"
    return contrast(here, there)


def _params(record: Record) -> Iterator[tuple[str, Any]]:
    for values in record["lock"].get("params", {}).values():
        yield from leaves(values)


def packages(sealed: Record, again: Record) -> Iterator[Difference]:
    """Versions, and the hashes of the lists of files."""
    one, other = (
        {"python": {"version": record["environment"]["python"]}, **record["environment"]["distributions"]}
        for record in (sealed, again)
    )
    for name in sorted(one.keys() | other.keys()):
        was, now = _version(one.get(name, {})), _version(other.get(name, {}))
        if was != now and name != "clintune":  # which is the code, compared as such
            yield Difference(again["stage"], "package", name, was, now, f"was {was}, is {now}")


def _version(distribution: Mapping[str, str]) -> str:
    return f"{distribution.get('version', 'missing')} {distribution.get('record_sha256', '')[:12]}".strip()


def intervals(metrics: Mapping[str, Any]) -> dict[str, tuple[float, float, float]]:
    """Each score that has an interval: (value, low, high) by its name with dots."""
    flat = {key: value for key, value in leaves(metrics) if isinstance(value, int | float)}
    return {
        key: (value, flat[f"{key}_low"], flat[f"{key}_high"])
        for key, value in flat.items()
        if f"{key}_low" in flat and f"{key}_high" in flat
    }
