"""The verdict on a replay: how much of it came out again, and where it first did not."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pyarrow.parquet as pq

from clintune.evidence.replaying.contrast import contrast
from clintune.evidence.replaying.rerun import Replayed
from clintune.evidence.subject import CERTIFICATE
from clintune.files import read_json, sha256
from clintune.params import leaves

Tier: TypeAlias = Literal["bit-exact", "predictions exact", "statistically equivalent", "diverged"]

PREDICTIONS, METRICS = "data/evaluation/predictions.parquet", "data/evaluation/metrics.json"
AGREEMENT, SCORES_APART = 0.999, 0.002
"""For `statistically equivalent`: so much of the answers is the same, and no score is further apart."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A file, param or package that is not the same in both runs of a stage. `where` says where it begins."""

    stage: str
    kind: Literal["input", "param", "package", "output"]
    place: str
    sealed: str
    again: str
    where: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a replay showed. The tier is computed from the outputs, never chosen."""

    commit: str
    tier: Tier
    first: Difference | None
    outputs: Mapping[str, int]
    environment: tuple[Difference, ...]
    numeric_class: Mapping[str, tuple[str, str]]
    offline: bool
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """For a program to read, and for the ledger."""
        return {"kind": CERTIFICATE, **asdict(self)}

    def lines(self) -> list[str]:
        """For a person."""
        same, all_ = self.outputs["same"], self.outputs["all"]
        network = "without a network" if self.offline else "with a network: this user may not cut it off"
        said = [
            f"{self.tier}: {same} of {all_} output files have the same SHA-256",
            f"commit {self.commit}, {self.seconds:.0f} s, {network}",
        ]
        if self.first:
            one = self.first
            said.append(f"first difference: stage {one.stage}, {one.kind} {one.place}: {one.where}")
        said += [f"package {one.place}: was {one.sealed}, is {one.again}" for one in self.environment]
        said += [
            f"numeric class, {name}: was {was}, is {now}" for name, (was, now) in self.numeric_class.items()
        ]
        return said


def certify(replayed: Replayed, root: Path) -> Certificate:
    """Compare each stage's record with that of its replay, in the order of the pipeline."""
    found = [
        one for stage, record in replayed.sealed.items()
        for one in _differences(root, replayed.folder, stage, record, replayed.again[stage])
    ]  # fmt: skip
    files = [path for record in replayed.sealed.values() for path in record["outputs"]]
    wrong = {one.place for one in found if one.kind == "output"}
    sealed, again = (list(side.values())[-1] for side in (replayed.sealed, replayed.again))
    return Certificate(
        commit=replayed.commit,
        tier=_tier(wrong, root, replayed),
        first=next((one for one in found if one.kind != "package"), None),
        outputs={"all": len(files), "same": len(set(files) - wrong)},
        environment=tuple(_packages(sealed, again)),
        numeric_class=dict(_class(replayed)),
        offline=replayed.offline,
        seconds=replayed.seconds,
    )


def _differences(
    root: Path, clone: Path, stage: str, sealed: Mapping[str, Any], again: Mapping[str, Any]
) -> Iterator[Difference]:
    """Inputs first: a stage that was given something else cannot be blamed for what it made of it."""
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


def _where(here: Path, there: Path, was: str, now: str) -> str:
    if not was or not now:
        return "is there now, was not" if not was else "is not there"
    if not here.is_file() or sha256(here) != was or not there.is_file() or sha256(there) != now:
        return "another SHA-256; the files are not at hand"
    return contrast(here, there)


def _params(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for values in record["lock"].get("params", {}).values():
        yield from leaves(values)


def _packages(sealed: Mapping[str, Any], again: Mapping[str, Any]) -> Iterator[Difference]:
    """Versions, and the hashes of the lists of files; clintune's own list names the folder it lies in."""
    one, other = (
        {"python": {"version": record["environment"]["python"]}, **record["environment"]["distributions"]}
        for record in (sealed, again)
    )
    for name in sorted(one.keys() | other.keys()):
        was, now = one.get(name, {}), other.get(name, {})
        if was != now and name != "clintune":
            yield Difference("", "package", name, _version(was), _version(now), "")


def _version(distribution: Mapping[str, str]) -> str:
    return f"{distribution.get('version', 'missing')} {distribution.get('record_sha256', '')[:12]}".strip()


def _class(replayed: Replayed) -> Iterator[tuple[str, tuple[str, str]]]:
    for stage, record in replayed.sealed.items():
        was, now = record["numeric_class"], replayed.again[stage]["numeric_class"]
        for name in sorted(was.keys() | now.keys()):
            if was.get(name) != now.get(name):
                yield name, (was.get(name, ""), now.get(name, ""))


def _tier(wrong: set[str], root: Path, replayed: Replayed) -> Tier:
    if not wrong:
        return "bit-exact"
    if PREDICTIONS not in wrong and METRICS not in wrong:
        return "predictions exact"
    sealed = {
        path: one["sha256"] for record in replayed.sealed.values() for path, one in record["outputs"].items()
    }
    if any(
        not (root / path).exists() or sha256(root / path) != sealed[path] for path in (PREDICTIONS, METRICS)
    ):
        return "diverged"  # nothing is left to compare with
    share = _agreement(root / PREDICTIONS, replayed.folder / PREDICTIONS)
    if share == 1:
        return "predictions exact"
    apart = _apart(read_json(root / METRICS), read_json(replayed.folder / METRICS))
    return "statistically equivalent" if share >= AGREEMENT and apart <= SCORES_APART else "diverged"


def _agreement(one: Path, other: Path) -> float:
    """The share of examples with the same answer, whatever its probability."""
    left, right = (pq.read_table(path, columns=["id", "target"]).to_pylist() for path in (one, other))
    if [row["id"] for row in left] != [row["id"] for row in right]:
        return 0.0
    return sum(map(dict.__eq__, left, right)) / len(left) if left else 1.0


def _apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """The largest distance of a number of both, as a share of it where it is above 1."""
    left, right = (
        {key: value for key, value in leaves(tree) if isinstance(value, int | float)} for tree in (one, other)
    )
    if left.keys() != right.keys():
        return float("inf")
    return max((abs(left[key] - right[key]) / max(1.0, abs(left[key])) for key in left), default=0.0)
