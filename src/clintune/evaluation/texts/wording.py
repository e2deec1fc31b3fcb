"""Findings in words, for people who decide by them."""

from collections.abc import Iterator

from clintune.evaluation.bootstrap import FEWEST_GROUPS
from clintune.evaluation.texts.findings import FEWEST_TEXTS, Estimate, Findings, overall
from clintune.evaluation.texts.manners import Measure
from clintune.evaluation.wording import ROUGH_GROUPS, listed, number, span_of
from clintune.markdown import plain

BASELINES = {
    "constant": "Constant",
    "words": "Words",
    "characters": "Characters",
    "fingerprints": "Fingerprints",
}
"""Their titles; evaluation/texts/baselines.py says what they are."""


def comparison(findings: Findings, name: str) -> str:
    """Whether the model is better than a baseline, in one sentence."""
    gain, title = findings.gains[name], BASELINES[name]
    measure = findings.manner.headline.title
    if gain.interval is None:
        return (
            f"{measure} is {number(abs(gain.value))} {_side(gain.value)} than that of the baseline {title}."
        )
    reach = f"difference {number(gain.value)}, interval {span_of(gain.interval)}"
    if gain.interval.low > 0:
        return f"The model beats the baseline {title} ({reach})."
    if gain.interval.high < 0:
        return f"The baseline {title} beats the model ({reach})."
    return f"Whether the model is better than the baseline {title} cannot be told from this test ({reach})."


def _side(gain: float) -> str:
    return "better" if gain >= 0 else "worse"


def cautions(findings: Findings) -> list[str]:
    """What a reader must know before relying on the scores; empty if nothing."""
    return [
        *_about_baselines(findings),
        *_about_size(findings),
        *_about_labels(findings),
        *_about_ceiling(findings),
        *_about_confidence(findings),
    ]


def _about_baselines(findings: Findings) -> Iterator[str]:
    for name, gain in findings.gains.items():
        if gain.value <= 0 or (gain.interval is not None and gain.interval.low <= 0):
            yield comparison(findings, name)


def _about_size(findings: Findings) -> Iterator[str]:
    if findings.groups < FEWEST_GROUPS:
        yield (
            f"Test has only {findings.groups} groups. That is too few to say how far the scores would move"
            " with others: no intervals are given."
        )
    elif findings.groups < ROUGH_GROUPS:
        yield (
            f"Test has {findings.groups} groups. With fewer than {ROUGH_GROUPS} the intervals tend to be too"
            " narrow."
        )


def _about_labels(findings: Findings) -> Iterator[str]:
    if findings.untaught:
        yield (
            f"Train never shows these, so the model cannot have learned them: {listed(findings.untaught)}."
        )
    counts = {label: findings.part(label).get("gold") for label in findings.labels}
    rare = [f"{label} ({one.value:.0f})" for label, one in counts.items() if one and one.value < FEWEST_TEXTS]
    if rare:
        yield (
            f"Labels with fewer than {FEWEST_TEXTS} texts in test; one text moves their recall by 5 points or"
            f" more, and macro scores with them: {listed(rare)}."
        )


def _about_ceiling(findings: Findings) -> Iterator[str]:
    for name, value in findings.ceiling.items():
        word = "at most" if name == "accuracy" else "no less than"
        yield (
            f"Equal texts of test carry different targets: a model that sees nothing but the text can reach"
            f" an {_title(findings, name)} of {word} {number(value)} there."
        )


def _title(findings: Findings, name: str) -> str:
    titles = {measure.name: measure.title for measure in findings.manner.measures}
    return titles.get(name, "exact match").lower() if name == "accuracy" else titles[name]


def _about_confidence(findings: Findings) -> Iterator[str]:
    reliability = findings.reliability
    if reliability is not None and findings.texts >= 100 and reliability.ece > 0.1:
        yield (
            "Do not read the model's confidence as a probability: on average it is off by"
            f" {number(reliability.ece)}."
        )


def cell(estimate: Estimate | None) -> str:
    """A score with its interval, or a dash."""
    if estimate is None:
        return "–"
    reach = f" ({span_of(estimate.interval)})" if estimate.interval is not None else ""
    return f"{number(estimate.value)}{reach}"


def describe(findings: Findings) -> str:
    """The findings as Markdown, for the page of the run."""
    first = findings.manner.headline
    headers = ["score", "model", *(BASELINES[name] for name in findings.baselines)]
    sides = [overall(findings.scores), *map(overall, findings.baselines.values())]
    rows = [
        [_named(measure), *(cell(one.get(measure.name)) for one in sides)]
        for measure in findings.manner.measures
    ]
    return "\n".join([
        f"**{first.title} {cell(sides[0].get(first.name))}** · {findings.texts:,} texts,"
        f" {findings.groups:,} groups; {findings.level:.0%} intervals",
        "",
        *(f"- {plain(caution)}" for caution in cautions(findings)),
        "",
        f"| {' | '.join(headers)} |",
        f"|---|{'--:|' * (len(headers) - 1)}",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        "All of it: report.html in the artifacts.",
    ])  # fmt: skip


def _named(measure: Measure) -> str:
    return f"{measure.title} (lower is better)" if measure.best == "low" else measure.title
