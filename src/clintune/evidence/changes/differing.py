"""What differs between two states, piece by piece: code, data, params, environment, outputs."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from clintune.evidence.changes.kept import Kept
from clintune.evidence.changes.states import State
from clintune.evidence.changes.texts import counts, hunks
from clintune.examples import SPLITS
from clintune.lockfile import inputs_sha256, is_code
from clintune.params import leaves

Section: TypeAlias = Literal["code", "data", "params", "environment"]

RAW, EXAMPLES = "data/raw", "data/examples"
FILES = f"{RAW}/files/"
"""Below it lie the records as they came: names of files may be those of people, and are not said."""

UNKNOWN = "not sealed"
"""In place of packages: stages that changed, and of which no record says with what they ran."""

_LOCK = "requirements.lock"


@dataclass(frozen=True, slots=True)
class Change:
    """`place` was `was` and is `now`: empty where there was, or is, nothing. `stages` depend on it.

    `lines` of a text are how many were added and removed, None where one of the texts is not kept.
    """

    section: Section
    place: str
    was: str
    now: str
    stages: tuple[str, ...] = ()
    lines: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """Of a stage's outputs so many are the same; `alike`: whether it was given the same in both states."""

    stage: str
    same: int
    other: int
    alike: bool


def compared(a: State, b: State) -> list[str]:
    """The stages of both; of whole states also those of one, for that is a change."""
    one_sided = not (a.partial or b.partial)
    return [stage for stage in {**a.lock, **b.lock} if one_sided or (stage in a.lock and stage in b.lock)]


def code_changes(a: State, b: State, kept: Kept) -> Iterator[Change]:
    """Commands and files of code, by the hashes in dvc.lock; lines where both texts are still to be had."""
    for stage in compared(a, b):
        was, now = (side.lock[stage]["cmd"] if stage in side.lock else "" for side in (a, b))
        if was != now:
            yield Change("code", f"dvc.yaml: {stage}: cmd", was, now, (stage,))
    for path, (was, now, stages) in _by_place(a, b, _code).items():
        texts = [kept.find(side, path) if sum_ else b"" for side, sum_ in ((a, was), (b, now))]
        old, new = texts
        lines = None if old is None or new is None else counts(hunks(old, new))
        yield Change("code", path, was, now, stages, lines)


def param_changes(a: State, b: State) -> Iterator[Change]:
    """Leaves, as JSON."""
    for key, (was, now, stages) in _by_place(a, b, _params).items():
        yield Change("params", key, was, now, stages)


def _code(side: State, stage: str) -> dict[str, str]:
    deps = side.lock[stage].get("deps", []) if stage in side.lock else []
    return {one["path"]: one["md5"] for one in deps if is_code(one["path"])}


def _params(side: State, stage: str) -> dict[str, str]:
    return {key: json.dumps(value, ensure_ascii=False) for key, value in leaves(side.params(stage))}


def _by_place(
    a: State, b: State, of: Callable[[State, str], Mapping[str, str]]
) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """What is not the same: (was, now, the stages of which that is so) by place, in order."""
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for stage in compared(a, b):
        one, other = of(a, stage), of(b, stage)
        for place in one.keys() | other.keys():
            was, now = one.get(place, ""), other.get(place, "")
            if was != now:
                found[place, was, now].append(stage)
    merged: dict[str, tuple[str, str, tuple[str, ...]]] = {}
    for (place, was, now), stages in sorted(found.items()):
        # A stage may have begun to read it, beside one that reads it all along.
        before = merged.get(place, ("", "", ()))
        merged[place] = (was or before[0], now or before[1], (*before[2], *stages))
    return merged


def data_changes(a: State, b: State) -> Iterator[Change]:
    """Raw files by hash, splits by hash, and how many records there were."""
    yield from _raw_files(a, b)
    for split in SPLITS:
        was, now = digests(a, b, f"{EXAMPLES}/{split}.parquet")
        if was != now:
            yield Change("data", f"split {split}", was, now, ("preprocess",))
    one, other = (_counted(side) for side in (a, b))
    if one and other:  # a count that is not sealed is none
        for name in sorted(one.keys() | other.keys()):
            was, now = (f"{side[name]:.0f}" if name in side else "" for side in (one, other))
            if was != now:
                yield Change("data", name, was, now, ("preprocess",))


def _raw_files(a: State, b: State) -> Iterator[Change]:
    one, other = (_raw(side) for side in (a, b))
    if one is None or other is None:
        was, now = (side.md5(RAW) or "" for side in (a, b))
        if was != now:
            yield Change("data", "files", was, now, ("ingest",))
        return
    both = one.keys() & other.keys()
    moved = {
        "added": len(other.keys() - both),
        "removed": len(one.keys() - both),
        "changed": sum(one[path] != other[path] for path in both),
    }
    for how, count in moved.items():
        if count:
            yield Change("data", f"files {how}", "", str(count), ("ingest",))


def _raw(side: State) -> dict[str, str] | None:
    record = side.record("ingest")
    if record is None:
        return None
    return {path: one["sha256"] for path, one in record["outputs"].items() if path.startswith(FILES)}


def _counted(side: State) -> dict[str, float]:
    """Records in, kept, quarantined; examples and groups of each split."""
    record = side.record("preprocess")
    if record is None:
        return {}
    return {
        name: points[-1][1]
        for name, points in record["reported"]["metrics"].items()
        if name.startswith("records.") or name.endswith((".examples", ".groups"))
    }


def digests(a: State, b: State, path: str) -> tuple[str, str]:
    """The hash of a file in both: SHA-256 where both are sealed, otherwise MD5; empty where none is known."""
    sealed = a.sha256(path), b.sha256(path)
    was, now = sealed if all(sealed) else (a.md5(path), b.md5(path))
    return was or "", now or ""


def environment_changes(a: State, b: State, kept_lock: tuple[bytes | None, bytes | None]) -> Iterator[Change]:
    """Python, packages and the numeric class, as sealed; of a state without records the lock file in git.

    `kept_lock` are both texts of requirements.lock.
    """
    for place, (was, now, stages) in _by_place(
        a, b, lambda side, stage: _installed(a, b, side, stage)
    ).items():
        yield Change("environment", place, was, now, stages)
    silent = {*a.unrecorded, *b.unrecorded}
    unknown = [
        stage for stage in compared(a, b) if stage in silent and a.lock.get(stage) != b.lock.get(stage)
    ]
    if unknown:
        yield Change("environment", UNKNOWN, "", "", tuple(unknown))
    old, new = kept_lock
    if (a.unrecorded or b.unrecorded) and old is not None and new is not None and old != new:
        yield Change("environment", _LOCK, "", "", (), counts(hunks(old, new)))


def _installed(a: State, b: State, side: State, stage: str) -> dict[str, str]:
    """By name; the list of files of clintune itself names the folder that it lies in."""
    if a.record(stage) is None or b.record(stage) is None:
        return {}
    record: Mapping[str, Any] = side.sealed[stage][1]
    packages = {
        name: f"{one['version']} ({one['record_sha256'][:12] or 'no list of files'})"
        for name, one in record["environment"]["distributions"].items() if name != "clintune"
    }  # fmt: skip
    numeric = {f"numeric class: {name}": value for name, value in record["numeric_class"].items()}
    return {"python": record["environment"]["python"], **packages, **numeric}


def outputs(a: State, b: State) -> Iterator[Made]:
    """How many files each stage of both wrote again as they were."""
    for stage in [stage for stage in a.lock if stage in b.lock]:
        if stage in a.sealed and stage in b.sealed:
            one, other = (
                {path: file["sha256"] for path, file in side.sealed[stage][1]["outputs"].items()}
                for side in (a, b)
            )
        else:
            one, other = (
                {out["path"]: out["md5"] for out in side.lock[stage].get("outs", [])} for side in (a, b)
            )
        paths = one.keys() | other.keys()
        same = sum(one.get(path) == other.get(path) for path in paths)
        alike = inputs_sha256(a.lock[stage]) == inputs_sha256(b.lock[stage])
        yield Made(stage, same, len(paths) - same, alike)
