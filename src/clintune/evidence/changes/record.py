"""The change record between two states, for programs and in words."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from clintune.evidence.changes.differing import UNKNOWN, Change, Made
from clintune.evidence.changes.judging import Judgement, Verdict
from clintune.evidence.changes.pairing import Difference
from clintune.evidence.changes.scores import Score
from clintune.evidence.git import Commit

_SECTIONS = ("code", "data", "params", "environment")
_CUT_OFF = "  commits may be missing here: git goes back to some alone (git fetch --unshallow)"
_VERDICTS = ("inside", "outside", "not covered")


@dataclass(frozen=True, slots=True)
class Side:
    """What a name stood for. `by` and `sealed` (first, last) are what the ledger has of its stages."""

    name: str
    commit: Commit | None
    stages: tuple[str, ...]
    unrecorded: tuple[str, ...]
    dirty: tuple[str, ...]
    by: tuple[str, ...]
    sealed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanUse:
    """The plan of A, by which changes are judged. `later`: what B's is to it."""

    sha256: str | None
    version: int | None
    later: str


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """What differs from A to B, who made both, and what the plan says; no verdict where there is none.

    `cut_off`: git does not go back to the beginning here, and there may be more `commits`.
    """

    a: Side
    b: Side
    plan: PlanUse
    changes: tuple[Change, ...]
    outputs: tuple[Made, ...]
    scores: tuple[Score, ...]
    paired: Difference | str
    commits: tuple[Commit, ...]
    cut_off: bool
    not_compared: tuple[str, ...]
    judged: tuple[Judgement, ...]
    verdict: Verdict | None

    @property
    def is_finding(self) -> bool:
        """Whether something is not inside the plan."""
        return self.verdict in ("outside", "not covered")

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a person: the plan first, the verdict last."""
        judged = {(one.section, one.place): one for one in self.judged}
        return [
            *_plan(self),
            *_side("A", self.a),
            *_side("B", self.b),
            *(f"  {one.sha[:12]} {one.author}, {one.time}: {one.subject}" for one in self.commits),
            *([_CUT_OFF] if self.cut_off else []),
            *(f"not compared: {stage}, which one of them has not run" for stage in self.not_compared),
            *(line for section in _SECTIONS for line in _section(section, self, judged)),
            *_outputs(self),
            *_scores(self, judged),
            *_verdict(self),
        ]


def _plan(record: ChangeRecord) -> Iterator[str]:
    plan = record.plan
    if plan.sha256:
        since = f"; {plan.later}: judged by that of A" if plan.later else ""
        yield f"plan: pccp.yaml of A, version {plan.version}, {plan.sha256[:12]}{since}"
    else:
        yield f"plan: {plan.later}" if plan.later else "plan: none is declared (pccp.yaml)"


def _side(letter: str, side: Side) -> Iterator[str]:
    commit = side.commit
    where = f", commit {commit.sha[:12]} by {commit.author}, {commit.time}" if commit else ""
    yield f"{letter}: {side.name}{where}"
    if side.sealed:
        when = " to ".join(dict.fromkeys(side.sealed))
        yield f"  {len(side.stages) - len(side.unrecorded)} stages sealed for {', '.join(side.by)}, {when}"
    if side.unrecorded:
        yield f"  no record here of {', '.join(side.unrecorded)}: as dvc.lock and git have it"
    if side.dirty:
        yield f"  run with changes that no commit has: {', '.join(side.dirty)}"


def _section(name: str, record: ChangeRecord, judged: Mapping[tuple[str, str], Judgement]) -> Iterator[str]:
    found = [one for one in record.changes if one.section == name]
    yield f"{name}:" if found else f"{name}: no change"
    for one in found:
        yield f"  {_change(one)}{_stages(one)}{_said(judged.get((name, one.place)))}"


def _change(one: Change) -> str:
    if one.place == UNKNOWN:
        return f"{UNKNOWN}: no record says with what they ran"
    if one.lines is not None or (one.section == "code" and not one.place.startswith("dvc.yaml")):
        return f"{one.place}: {_lines(one)}"
    if one.section == "data" and one.place.startswith("files "):
        return f"{one.place}: {one.now}"
    shown = 12 if one.section == "data" else None
    return f"{one.place}: {one.was[:shown] or 'nothing'} -> {one.now[:shown] or 'nothing'}"


def _lines(one: Change) -> str:
    how = "" if one.was and one.now else "new, " if one.now else "removed, " if one.was else ""
    if one.lines is None:
        return f"{how}another hash; one of the texts is not kept"
    added, removed = one.lines
    return f"{how}+{added} -{removed} lines"


def _stages(one: Change) -> str:
    return f" ({', '.join(one.stages)})" if one.stages else ""


def _said(one: Judgement | None) -> str:
    return f"  [{one.verdict}: {one.because}]" if one else ""


def _outputs(record: ChangeRecord) -> Iterator[str]:
    yield "outputs:"
    for one in record.outputs:
        given = "" if one.other == 0 or not one.alike else ", though it was given the same"
        yield f"  {one.stage}: {one.same} files the same, {one.other} other{given}"


def _scores(record: ChangeRecord, judged: Mapping[tuple[str, str], Judgement]) -> Iterator[str]:
    yield "scores:" if record.scores else "scores: none at hand"
    for one in record.scores:
        was, now = _score(one.was, one.was_within), _score(one.now, one.now_within)
        said = _said(judged.get(("scores", one.name)))
        yield f"  {one.name}: {was}{said}" if was == now else f"  {one.name}: {was} -> {now}{said}"
    known = {one.name for one in record.scores}
    yield from (
        f"  {one.place}:{_said(one)}" for one in record.judged
        if one.section == "scores" and one.place not in known
    )  # fmt: skip
    if isinstance(record.paired, Difference):
        yield f"  paired: {_paired(record.paired)}"
    elif record.scores:
        yield f"  paired: {record.paired}"


def _score(value: float | None, within: tuple[float, float] | None) -> str:
    if value is None:
        return "nothing"
    return f"{value:.6g}" + (f" [{within[0]:.6g}, {within[1]:.6g}]" if within else "")


def _paired(one: Difference) -> str:
    on = f"on {one.documents} documents of {one.groups} groups"
    if one.p is None:
        return f"{one.score} {one.difference:+.6f} {on}: too few groups for an interval"
    return (
        f"{one.score} {one.difference:+.6f}, {one.level:.0%} of draws in [{one.low:+.6f}, {one.high:+.6f}], "
        f"p {one.p:.4f} {on}, {one.resamples} resamples, seed {one.seed}"
    )


def _verdict(record: ChangeRecord) -> Iterator[str]:
    if record.verdict is None:
        return
    counts = {
        verdict: sum(one.verdict == verdict for one in record.judged)
        for verdict in ("inside", "outside", "not covered")
    }
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    yield f"{record.verdict}: {said}"
