"""The verdict on a replay: how much of it came out again, and where it first did not."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pyarrow.parquet as pq

from clintune.evidence.replaying.comparison import (
    Difference,
    Said,
    claims,
    compared,
    differences,
    distance,
    intervals,
    packages,
)  # fmt: skip
from clintune.evidence.replaying.originals import Originals
from clintune.evidence.replaying.rerun import Replayed
from clintune.evidence.replaying.target import Target
from clintune.evidence.replaying.variations import VARIATIONS
from clintune.evidence.subject import Record
from clintune.evidence.verification.observing import CERTIFICATE
from clintune.files import read_json
from clintune.params import leaves

Tier: TypeAlias = Literal["bit-exact", "predictions exact", "statistically equivalent", "diverged"]

PREDICTIONS, METRICS = "data/evaluation/predictions.parquet", "data/evaluation/metrics.json"
AGREEMENT, SCORES_APART = 0.999, 0.002
"""For `statistically equivalent`: so much of the answers is the same, and no score is further apart."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a replay showed. The tier is computed from the outputs, never chosen.

    `entries` names by stage what was compared: the entry of dvc.lock in its record, by SHA-256. `claimed` is
    what dvc.lock, files or the runs in MLflow say today, what was never sealed and did not come out, and what
    a run reported and did not have: scores, metrics, artifacts. `scores` are those with an interval: as
    sealed, its ends, and as it came out. `overhead` is seconds beside stages. `metrics` counts those with the
    same values at every step.
    """

    commit: str
    stages: tuple[str, ...]
    entries: Mapping[str, str]
    tier: Tier
    first: Difference | None
    claimed: tuple[Difference, ...]
    outputs: Mapping[str, int]
    scores: Mapping[str, tuple[float, float, float, float]]
    environment: tuple[Difference, ...]
    own_environment: bool
    numeric_class: Mapping[str, tuple[str, str]]
    profile: str
    varied: tuple[str, ...]
    offline: bool
    seconds: float
    overhead: float
    metrics: Mapping[str, int] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether it came out again, and nothing else is claimed."""
        return self.tier != "diverged" and not self.claimed

    def as_json(self) -> dict[str, Any]:
        """For a program to read, and for the ledger."""
        return {"kind": CERTIFICATE, **asdict(self)}

    def lines(self) -> list[str]:
        """For a person."""
        same, all_ = self.outputs["same"], self.outputs["all"]
        network = "without a network" if self.offline else "with a network: this user may not cut it off"
        said = [
            f"{self.tier}: {same} of {all_} output files have the same SHA-256",
            f"commit {self.commit}, {self.seconds:.0f} s, of which {self.overhead:.0f} s beside the stages,"
            f" {network}, profile {self.profile}",
        ]
        if self.varied:
            said.append(f"varied: {', '.join(f'{name} ({VARIATIONS[name]})' for name in self.varied)}")
        if self.first:
            said.append(f"first difference: {self.first}")
        said += [f"claimed, and not so: {one}" for one in self.claimed]
        if (equal := self.metrics.get("same")) != (count := self.metrics.get("all")):
            said.append(f"{equal} of {count} metrics have the same values")
        for name, (was, low, high, now) in self.scores.items():
            if was != now:
                place = "within" if low <= now <= high else "outside"
                said.append(f"{name}: was {was:.4f}, is {now:.4f}, {place} {low:.4f} to {high:.4f}")
        said += [f"package {one.place}: was {one.sealed}, is {one.again}" for one in self.environment]
        said += [
            f"numeric class, {name}: was {was}, is {now}" for name, (was, now) in self.numeric_class.items()
        ]
        return said


def certify(
    target: Target, replayed: Replayed, root: Path, shown: Mapping[str, Mapping[str, float]]
) -> Certificate:
    """Compare each stage's record, and what is claimed of it, with its replay, in the order of the pipeline.

    `shown` is by stage what its run in MLflow shows.
    """
    pairs = {stage: (record, replayed.again[stage]) for stage, record in target.records.items()}
    clone, originals = replayed.folder, replayed.originals
    found = [one for stage, pair in pairs.items() for one in differences(originals, clone, stage, *pair)]
    claimed = [one for stage, pair in pairs.items() for one in claims(
        Said(target.lock[stage], root if stage in target.present else None, shown.get(stage, {})),
        clone, stage, *pair,
    )]  # fmt: skip
    files = [path for record, _ in pairs.values() for path in record["outputs"]]
    wrong = {one.place for one in found if one.kind == "output"}
    claimed += [*_untrue(found, wrong), *_unsaid(found, pairs)]
    sealed, again = list(pairs.values())[-1]
    return Certificate(
        commit=target.commit,
        stages=tuple(pairs),
        entries={stage: record["lock_entry_sha256"] for stage, record in target.records.items()},
        tier=_tier(wrong, originals, target, clone),
        first=next(iter(found), None),
        claimed=tuple(claimed),
        outputs={"all": len(files), "same": len(set(files) - wrong)},
        scores=_scores(originals, clone),
        environment=tuple(packages(sealed, again)),
        own_environment=replayed.own_environment,
        numeric_class=dict(_class(target, replayed)),
        profile=sealed["numeric_class"].get("numerics.profile", "unknown"),
        varied=replayed.varied,
        offline=replayed.offline,
        seconds=round(replayed.seconds, 1),
        overhead=round(replayed.seconds - replayed.stages, 1),
        metrics=dict(_metrics(found, pairs)),
    )


def _untrue(found: Iterable[Difference], wrong: Set[str]) -> Iterator[Difference]:
    """Scores that were sealed, and that the run never had: a lie told while it ran.

    Where what the scores are computed from came out again, to the byte, so do they. Where it did not, they
    may be as far apart as those in the files.
    """
    exact = not {PREDICTIONS, METRICS} & wrong
    for one in found:
        if one.kind == "score" and (exact or not _is_near(one)):
            yield one


def _unsaid(found: Iterable[Difference], pairs: Mapping[str, tuple[Record, Record]]) -> Iterator[Difference]:
    """Metrics and copies of outputs that were sealed, of stages that read and wrote the same to the byte.

    With other packages or another processor a number of theirs may be another in its last digits.
    """
    found = list(found)
    other = {one.stage for one in found if one.kind in ("input", "param", "output")}
    for one in found:
        if one.kind in ("metric", "artifact") and one.stage not in other:
            pair = pairs[one.stage]
            same = pair[0]["numeric_class"] == pair[1]["numeric_class"] and not any(packages(*pair))
            if same or not _is_near(one):
                yield one


def _metrics(
    found: Iterable[Difference], pairs: Mapping[str, tuple[Record, Record]]
) -> Iterator[tuple[str, int]]:
    both = sum(len(compared(*pair)) for pair in pairs.values())
    yield from (("all", both), ("same", both - sum(one.kind == "metric" for one in found)))


def _is_near(score: Difference) -> bool:
    """Whether both are numbers, and not further apart than scores in the files may be."""
    try:
        was, now = float(score.sealed), float(score.again)
    except ValueError:
        return False  # one has no such score
    return distance(was, now) <= SCORES_APART


def _scores(originals: Originals, clone: Path) -> dict[str, tuple[float, float, float, float]]:
    """Where both files are at hand."""
    here, there = originals.output(METRICS), clone / METRICS
    if here is None or not there.is_file():
        return {}
    old, new = intervals(read_json(here)), intervals(read_json(there))
    return {name: (*old[name], new[name][0]) for name in sorted(old.keys() & new.keys())}


def _class(target: Target, replayed: Replayed) -> Iterator[tuple[str, tuple[str, str]]]:
    for stage, record in target.records.items():
        was, now = record["numeric_class"], replayed.again[stage]["numeric_class"]
        for name in sorted(was.keys() | now.keys()):
            if was.get(name) != now.get(name):
                yield name, (was.get(name, ""), now.get(name, ""))


def _tier(wrong: set[str], originals: Originals, target: Target, clone: Path) -> Tier:
    if not wrong:
        return "bit-exact"
    if not any(PREDICTIONS in record["outputs"] for record in target.records.values()):
        return "diverged"  # of a run before evaluate: nobody predicted anything
    if PREDICTIONS not in wrong and METRICS not in wrong:
        return "predictions exact"
    answers, scores = originals.output(PREDICTIONS), originals.output(METRICS)
    if answers is None or scores is None:
        return "diverged"  # nothing is left to compare with
    share = _agreement(answers, clone / PREDICTIONS)
    if share < AGREEMENT or _apart(read_json(scores), read_json(clone / METRICS)) > SCORES_APART:
        return "diverged"
    return "predictions exact" if share == 1 else "statistically equivalent"


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
    return max((distance(left[key], right[key]) for key in left), default=0.0)
