"""What differs between a stage as it was sealed, as it is claimed to be now, and as it came out again."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from clintune.errors import LedgerError
from clintune.evidence.replaying.contrast import contrast
from clintune.evidence.replaying.originals import Originals
from clintune.evidence.subject import Record
from clintune.evidence.verification.verifier import flat
from clintune.files import sha256
from clintune.lockfile import LockEntry
from clintune.params import leaves
from clintune.tracking import limits

MEASURED = ("_per_second", "_seconds", "_mib")
"""How the name of a metric ends that measures the machine: no two runs report the same."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A file, param or package that is not the same in both runs of a stage. `where` says where it begins."""

    stage: str
    kind: Literal["input", "param", "package", "output", "score", "metric", "artifact", "lock", "file", "run"]
    place: str
    sealed: str
    again: str
    where: str

    def __str__(self) -> str:
        return f"stage {self.stage}, {self.kind} {self.place}: {self.where}"


def expect_comparable(records: Mapping[str, Record], ledger: str) -> None:
    """Before hours are spent on it. Raises LedgerError for a record that no stage can have written."""
    for stage, record in records.items():
        both = record, record
        try:
            for found in (_params(record), packages(*both), _files(*both), _reported(stage, *both)):
                list(found)
            _shown(record["reported"]["metrics"])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            problem = f"the record of {stage} has no form ({type(error).__name__}: {error})"
            raise LedgerError(ledger, problem, "someone forged it: restore the ledger") from error


def differences(
    originals: Originals, clone: Path, stage: str, sealed: Record, again: Record
) -> Iterator[Difference]:
    """Of what was sealed. Inputs first: what was given something else cannot be blamed for the rest."""
    before, after = (dict(_params(record)) for record in (sealed, again))
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            was, now = (str(values.get(key, "")) for values in (before, after))
            yield Difference(stage, "param", key, was, now, f"was {was}, is {now}")
    for kind, path, was, now in _files(sealed, again):
        where = _where(originals.file(path, was) if was else None, clone / path, was, now)
        yield Difference(stage, kind, path, was, now, where)
    yield from _reported(stage, sealed, again)


def _files(sealed: Record, again: Record) -> Iterator[tuple[Literal["input", "output"], str, str, str]]:
    """Which are not the same: kind and path, and both hashes."""
    kinds: tuple[tuple[Literal["input", "output"], str], ...] = (("input", "inputs"), ("output", "outputs"))
    for kind, side in kinds:
        for path in sorted(sealed[side].keys() | again[side].keys()):
            was, now = (record[side].get(path, {}).get("sha256", "") for record in (sealed, again))
            if was != now:
                yield kind, path, was, now


def _reported(stage: str, sealed: Record, again: Record) -> Iterator[Difference]:
    """What the run said of itself: scores, curves, artifacts."""
    scores, others = (record["reported"]["headline"] for record in (sealed, again))
    yield from _numbers(stage, "score", scores, others, {})
    yield from _histories(stage, sealed, again)
    yield from _copies(stage, sealed, again)


def compared(sealed: Record, again: Record) -> set[str]:
    """The metrics of both whose values have to come out again."""
    names = sealed["reported"]["metrics"].keys() | again["reported"]["metrics"].keys()
    return {name for name in names if not name.endswith(MEASURED)}


def _histories(stage: str, sealed: Record, again: Record) -> Iterator[Difference]:
    """Of each metric the point at which both are furthest apart. When a point was reported is no matter."""
    for name in sorted(compared(sealed, again)):
        was, now = (dict(_points(record["reported"]["metrics"].get(name, ()))) for record in (sealed, again))
        gaps = {at: _gap(was.get(at), now.get(at)) for at in sorted(was.keys() | now.keys())}
        at = max(gaps, key=gaps.__getitem__, default=(0, 0))
        if gaps.get(at):
            old, new = (repr(points[at]) if at in points else "nothing" for points in (was, now))
            where = f"at step {at[0]} says {old}, is {new}"
            yield Difference(stage, "metric", name, old, new, where)


def _points(history: Iterable[tuple[int, float, int]]) -> Iterator[tuple[tuple[int, int], float]]:
    """Each value by its step, and by how many of that step came before."""
    seen = Counter[int]()
    for step, value, _ in history:
        yield (step, seen[step]), value
        seen[step] += 1


def _gap(one: float | None, other: float | None) -> float:
    return math.inf if one is None or other is None else distance(one, other)


def distance(one: float, other: float) -> float:
    """As a share of the first where that is above 1."""
    return abs(one - other) / max(1.0, abs(one))


def _copies(stage: str, sealed: Record, again: Record) -> Iterator[Difference]:
    """What the run shows as an artifact and is, as it came out again, a file that the stage wrote."""
    was, now = (record["reported"]["artifacts"] for record in (sealed, again))
    wrote = {one["sha256"] for one in again["outputs"].values()}
    for path in sorted(now):
        if now[path] in wrote and was.get(path) != now[path]:
            yield Difference(stage, "artifact", path, was.get(path, ""), now[path], "is another file")


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a stage today: by dvc.lock, by the files at `root`, by its run in MLflow.

    `root` is None where the files that lie there are those of another run.
    """

    entry: LockEntry
    root: Path | None
    shown: Mapping[str, float]


def claims(said: Said, clone: Path, stage: str, sealed: Record, again: Record) -> Iterator[Difference]:
    """What is said, was never sealed and did not come out. What was sealed is a matter of `differences`."""
    entries = [flat(dict(one)) for one in (said.entry, sealed["lock"], again["lock"])]
    for key in sorted(entries[0].keys() | entries[2].keys()):
        now, was, made = (str(entry.get(key, "")) for entry in entries)
        if now not in (was, made):
            yield Difference(stage, "lock", f"dvc.lock: {key}", now, made, f"says {now}, is {made}")
    if said.root is not None:
        for path, one in sorted(again["outputs"].items()):
            file = said.root / path
            found = sha256(file) if file.is_file() else ""
            if found and found not in (one["sha256"], sealed["outputs"].get(path, {}).get("sha256")):
                where = _where(file, clone / path, found, one["sha256"])
                yield Difference(stage, "file", path, found, one["sha256"], where)
    known, out = (_shown(record["reported"]["metrics"]) for record in (sealed, again))
    yield from _numbers(stage, "run", said.shown, out, known)


def _shown(metrics: Mapping[str, list[tuple[int, float, int]]]) -> dict[str, float]:
    """Of each metric's history, the value that MLflow shows: that of the last step."""
    return {
        limits.name(name): max((step, at, value) for step, value, at in history)[-1]
        for name, history in metrics.items() if history
    }  # fmt: skip


def _numbers(
    stage: str,
    kind: Literal["score", "run"],
    said: Mapping[str, float],
    again: Mapping[str, float],
    known: Mapping[str, float],
) -> Iterator[Difference]:
    """What is said and neither came out again nor is `known` already."""
    for name in sorted(said):
        if said[name] not in (again.get(name), known.get(name)):
            old, new = repr(said[name]), repr(again[name]) if name in again else "nothing"
            yield Difference(stage, kind, f"metric {name}", old, new, f"says {old}, is {new}")


def _where(original: Path | None, there: Path, was: str, now: str) -> str:
    if not was or not now:
        return "is there now, was not" if not was else "is not there"
    if original is None or not there.is_file() or sha256(there) != now:
        return "another SHA-256; the files are not at hand"
    return contrast(original, there)


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
