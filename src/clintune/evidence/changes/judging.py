"""Each change beside the plan: inside, outside, or not covered by it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from clintune.evidence.changes.differing import UNKNOWN, Change
from clintune.evidence.changes.plan import Bounds, Files, Plan
from clintune.evidence.changes.scores import Score

Verdict: TypeAlias = Literal["inside", "outside", "not covered"]

_NUMERIC = "numeric class: "
_COUNTS = ("records.", "train.", "validation.", "test.")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the plan says of a change of `place`, or of the bound of a score, and why."""

    section: str
    place: str
    verdict: Verdict
    because: str


def judge(plan: Plan | None, changes: Iterable[Change], scores: Sequence[Score]) -> list[Judgement]:
    """Without a plan nothing is covered. Counts of records come of other changes: they have but bounds."""
    known = plan or Plan(version=1)
    found = [Judgement(one.section, one.place, *_of(known, one)) for one in changes if not _is_count(one)]
    if plan is not None:
        found += _of_records(plan, list(changes))
        found += [one for name, bounds in plan.scores.items() for one in _of_scores(name, bounds, scores)]
    return found


def _is_count(change: Change) -> bool:
    return change.section == "data" and change.place.startswith(_COUNTS)


def overall(found: Iterable[Judgement]) -> Verdict:
    """The worst of them."""
    verdicts = {one.verdict for one in found}
    for worst in ("outside", "not covered"):
        if worst in verdicts:
            return worst
    return "inside"


def _of(plan: Plan, change: Change) -> tuple[Verdict, str]:
    match change.section:
        case "params":
            return _of_param(plan, change)
        case "code":
            covered = plan.covers_code(change.place.partition(":")[0])
            return ("inside", "code names it") if covered else ("not covered", "no path of code")
        case "data":
            return _of_data(plan, change)
        case "environment":
            return _of_environment(plan, change)


def _of_param(plan: Plan, change: Change) -> tuple[Verdict, str]:
    if change.place not in plan.params:
        return "not covered", "no key of params"
    allowed = plan.params[change.place]
    if change.now == "" or allowed.has(json.loads(change.now)):
        return "inside", _said(allowed.model_dump(exclude_none=True))
    return "outside", _said(allowed.model_dump(exclude_none=True))


def _said(limits: dict[str, object]) -> str:
    return ", ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in limits.items())


def _of_data(plan: Plan, change: Change) -> tuple[Verdict, str]:
    what, _, how = change.place.partition(" ")
    if plan.data is None:
        return "not covered", "no section data"
    if what == "split":
        named = how in plan.data.splits
        return ("inside", "data.splits names it") if named else ("not covered", "data.splits has it not")
    if plan.data.files is None:
        return "not covered", "no key data.files"
    return _of_files(plan.data.files, how, change.now)


def _of_files(allowed: Files, how: str, count: str) -> tuple[Verdict, str]:
    if not how:
        return "not covered", "how many files changed is not sealed"
    most = {"added": allowed.added, "removed": allowed.removed, "changed": allowed.changed}[how]
    return ("inside" if int(count) <= most else "outside"), f"at most {most}"


def _of_environment(plan: Plan, change: Change) -> tuple[Verdict, str]:
    if change.place.startswith(_NUMERIC):
        name = change.place.removeprefix(_NUMERIC)
        named = any(fnmatchcase(name, pattern) for pattern in plan.numeric_class)
        return ("inside", "numeric_class names it") if named else ("not covered", "no name of numeric_class")
    if change.place == UNKNOWN:
        return "not covered", "no record says with what they ran"
    patterns = plan.versions(change.place)
    if not patterns:
        return "not covered", "no package of packages"
    version, was = (text.partition(" ")[0] for text in (change.now, change.was))
    if version == was:
        return "not covered", "the same version with other files"
    within = any(fnmatchcase(version, pattern) for pattern in patterns)
    return ("inside" if within else "outside"), f"versions {', '.join(patterns)}"


def _of_records(plan: Plan, changes: Sequence[Change]) -> Iterator[Judgement]:
    """The share of quarantined records, where their number is another."""
    counts = {one.place: one.now for one in changes if one.section == "data"}
    most = plan.data.quarantined if plan.data else None
    if most is not None and "records.quarantined" in counts and counts.get("records.in", ""):
        share = int(counts["records.quarantined"] or 0) / int(counts["records.in"])
        verdict: Verdict = "inside" if share <= most else "outside"
        yield Judgement("data", "records.quarantined", verdict, f"{share:.4f} of the records, at most {most}")


def _of_scores(pattern: str, bounds: Bounds, scores: Sequence[Score]) -> Iterator[Judgement]:
    meant = [one for one in scores if fnmatchcase(one.name, pattern)]
    if not meant:
        yield Judgement("scores", pattern, "outside", "no such score")
    for one in meant:
        yield Judgement("scores", one.name, *_of_score(bounds, one))


def _of_score(bounds: Bounds, score: Score) -> tuple[Verdict, str]:
    if score.now is None:
        return "outside", "it is not there any more"
    wrong = [*_beyond(bounds, score.now), *_moved(bounds, score.now, score.was)]
    return ("outside", "; ".join(wrong)) if wrong else ("inside", f"{score.now} keeps to its bounds")


def _beyond(bounds: Bounds, now: float) -> Iterator[str]:
    if bounds.minimum is not None and now < bounds.minimum:
        yield f"{now} is below the minimum {bounds.minimum}"
    if bounds.maximum is not None and now > bounds.maximum:
        yield f"{now} is above the maximum {bounds.maximum}"


def _moved(bounds: Bounds, now: float, was: float | None) -> Iterator[str]:
    """Rounded as scores are: a difference of two is not finer than they."""
    if was is None:
        if bounds.maximum_drop is not None or bounds.maximum_rise is not None:
            yield "what it was is not known"
        return
    rise = round(now - was, 6)
    if bounds.maximum_drop is not None and -rise > bounds.maximum_drop:
        yield f"it fell by {-rise}, at most {bounds.maximum_drop}"
    if bounds.maximum_rise is not None and rise > bounds.maximum_rise:
        yield f"it rose by {rise}, at most {bounds.maximum_rise}"
