"""Items 29, 31 to 33 and 37: what metrics.json says, and whether it agrees with itself."""

from collections.abc import Iterator, Mapping
from math import isclose
from typing import Any

from clintune.evidence.checklist.facts import METRICS, Facts, known
from clintune.evidence.checklist.items import Evidence, Ruling, Unknown, number, ruling

_BINS = "data/evaluation/plots/reliability.csv"
_CARD = "data/bundle/MODEL_CARD.md"
_ROUNDED = 1e-4
_WRONG = ("wrong_boundary", "wrong_both", "wrong_label")


def intervals(facts: Facts) -> Ruling:
    """The headline has an interval and lies in it, and no interval ends before it begins."""
    metrics = known(facts.metrics)
    names = facts.record("evaluate")["reported"]["headline"]
    first = next((name for name in names if not name.endswith(("_low", "_high"))), None)
    if first is None:
        raise Unknown("the evaluation reported no headline")
    score, low, high = (score_at(metrics, f"{first}{end}") for end in ("", "_low", "_high"))
    evidence = [facts.sealed.says("groups of test", metrics["groups"], METRICS)]
    evidence += _scored(facts, first, metrics)
    if score is None or low is None or high is None:
        return Ruling("MISSING", f"{first} has no interval: test has too few groups", tuple(evidence))
    wrong = [] if low <= score <= high else [f"{first} lies outside its interval"]
    wrong += [f"{count} intervals end before they begin" for count in (_backwards(metrics),) if count]
    section, seed = facts.section("evaluate"), facts.section("seed")
    held = (
        f"{first} {number(score)}, {section['level']:.0%} interval {number(low)} to {number(high)}, over "
        f"{section['resamples']} resamples of {metrics['groups']} groups, seed {seed}"
    )
    return ruling(wrong, held, evidence)


def _scored(facts: Facts, name: str, metrics: Mapping[str, Any]) -> Iterator[Evidence]:
    for end in ("", "_low", "_high"):
        value = score_at(metrics, f"{name}{end}")
        if value is not None:
            yield facts.sealed.says(f"{name}{end}", number(value), METRICS)


def score_at(tree: Mapping[str, Any], path: str) -> float | None:
    """The number under a path of names with `/` between them, as a run calls it; none where there is none."""
    *above, last = path.split("/")
    for name in above:
        tree = tree.get(name, {})
    return tree.get(last)


def _backwards(tree: Mapping[str, Any]) -> int:
    """Intervals with the low end above the high one. A score may lie outside: R² of a constant does."""
    count = 0
    for name, value in tree.items():
        if isinstance(value, Mapping):
            count += _backwards(value)
        elif name.endswith("_low"):
            count += value > tree[f"{name.removesuffix('_low')}_high"]
    return count


def baselines(facts: Facts) -> Ruling:
    """Beside the model stands something simple, fitted on train, that it is ahead of."""
    found = known(facts.metrics).get("baseline", {})
    if not found:
        raise Unknown(
            "nothing simple was scored beside the model: params evaluate.baselines, of tasks on whole texts"
        )
    evidence, wrong = [], []
    for name, one in sorted(found.items()):
        ahead = {end: one[f"ahead{end}"] for end in ("", "_low", "_high") if f"ahead{end}" in one}
        evidence += [
            facts.sealed.says(f"ahead of {name}{end}", number(value), METRICS) for end, value in ahead.items()
        ]
        if "" not in ahead:
            wrong.append(f"how far the model is ahead of {name} is not said")
        elif ahead[""] <= 0:
            wrong.append(f"the model is not ahead of {name}")
    chance = [name for name, one in sorted(found.items()) if one.get("ahead_low", 0) <= 0]
    held = f"ahead of {', '.join(sorted(found))}, over the same resamples"
    held += f"; of {', '.join(chance)} perhaps by chance" if chance else ""
    return ruling(wrong, held, evidence)


def subgroups(facts: Facts) -> Ruling:
    """A score for each value with records enough, within what the whole can hold."""
    metrics = known(facts.metrics)
    headline = next(iter(facts.record("evaluate")["reported"]["headline"]), "").rpartition("/")[2]
    evidence, wrong, compared = [], [], 0
    for attribute, values in sorted(metrics["subgroup"].items()):
        scores = [one[headline] for one in values.values() if headline in one]
        counted = next(
            (name for name in ("gold", "documents") if all(name in one for one in values.values())), ""
        )
        whole = metrics["documents"] if counted == "documents" else metrics.get("strict", {}).get("gold", 0)
        if scores and counted and sum(one[counted] for one in values.values()) > whole:
            wrong.append(f"the values of {attribute} have more {counted} than test has")
        if len(scores) > 1:
            compared += 1
            low, high = min(scores), max(scores)
            gap = f"{len(scores)} values, {number(low)} to {number(high)}, gap {number(high - low)}"
        else:
            gap = f"{len(scores)} values with records enough"
        evidence.append(facts.sealed.says(f"{attribute}: {headline}", gap, METRICS))
    if not compared and not wrong:
        return Ruling(
            "MISSING", "no attribute has two values with records enough for a score", tuple(evidence)
        )
    held = f"{compared} attributes compared; with more comparisons a larger gap comes by chance"
    return ruling(wrong, held, evidence)


def calibration(facts: Facts) -> Ruling:
    """ECE and Brier score on test, the former computed anew from the bins."""
    found = known(facts.metrics).get("confidence")
    if found is None:
        if facts.section("task") == "regression":
            return Ruling("N-A", "the model says numbers without a confidence")
        raise Unknown("metrics.json says nothing of confidence")
    bins = [{name: float(value) for name, value in row.items()} for row in known(facts.bins)]
    total = sum(one["predicted"] for one in bins)
    again = sum(one["predicted"] * abs(one["accuracy"] - one["confidence"]) for one in bins) / max(total, 1)
    evidence = [
        facts.sealed.says("expected calibration error", number(found["ece"]), METRICS),
        facts.sealed.says("Brier score", number(found["brier"]), METRICS),
        facts.sealed.says("expected calibration error, computed anew", number(again), _BINS),
        facts.sealed.says("predictions in the bins", f"{total:,.0f}", _BINS),
    ]
    wrong = (
        [] if isclose(again, found["ece"], abs_tol=_ROUNDED)
        else [f"the bins give {number(again)}, metrics.json says {number(found['ece'])}"]
    )  # fmt: skip
    held = f"on average the confidence is off by {number(found['ece'])}; no temperature was fitted"
    return ruling(wrong, held, evidence)


def failures(facts: Facts) -> Ruling:
    """Kinds of errors that add up; what must not be done with the model, a person says."""
    metrics = known(facts.metrics)
    evidence = [facts.sealed.says("model card, with what to be careful about", "written", _CARD)]
    if "errors" not in metrics:
        return ruling(
            [], "the model card is there; of kinds of errors nothing is counted for this task", evidence
        )
    errors, strict = metrics["errors"], metrics["strict"]
    evidence += [
        facts.sealed.says(f"errors: {kind.replace('_', ' ')}", count, METRICS)
        for kind, count in sorted(errors.items())
    ]
    both = sum(errors[kind] for kind in _WRONG)
    wrong = [
        f"{side} errors do not add up to the scores"
        for side, alone in (("gold", "missed"), ("predicted", "spurious"))
        if errors[alone] + both != strict[side] - strict["correct"]
    ]
    return ruling(
        wrong,
        f"{both + errors['missed']} mentions not found as annotated, by kind; limits of use are not known",
        evidence,
    )
