"""An evaluation in words, for people who decide by it."""

from collections.abc import Iterable, Iterator, Mapping

from clintune.evaluation.bootstrap import FEWEST_GROUPS, Interval
from clintune.evaluation.results import FEWEST_MENTIONS, Evaluation, Score
from clintune.markdown import plain

ROUGH_GROUPS = 50
"""With fewer groups a cluster bootstrap covers less than it says (Cameron, Gelbach and Miller 2008)."""

LISTED = 10

REASONS: Mapping[str, str] = {
    "nested": "overlapping another mention",
    "discontinuous": "in several parts",
    "inside_word": "with a border inside a word",
    "loose_border": "with a border beside a word",
    "no_token": "of characters that the tokenizer drops",
}


def number(value: float) -> str:
    """Three decimals."""
    return f"{value:.3f}"


def span_of(interval: Interval) -> str:
    """From low to high."""
    return f"{number(interval.low)} to {number(interval.high)}"


def in_hundred(share: float) -> str:
    """About how many of 100; 'all' and 'none' only where that is exact."""
    if share in (0, 1):
        return "all" if share else "none"
    rounded = round(share * 100)
    return {0: "fewer than 1", 100: "more than 99"}.get(rounded, f"about {rounded}")


def reading(score: Score) -> tuple[str, str]:
    """What recall and precision say, in two sentences."""
    return (
        f"Of 100 annotated mentions the model finds {in_hundred(score.counts.recall)} with exactly the same "
        "characters and the same label (recall).",
        f"Of 100 mentions that the model marks, {in_hundred(score.counts.precision)} are exactly right "
        "(precision).",
    )


def cautions(evaluation: Evaluation) -> list[str]:
    """What a reader must know before relying on the scores; empty if nothing."""
    return [
        *_about_size(evaluation.strict),
        *_about_tags(evaluation),
        *_about_labels(evaluation),
        *_about_confidence(evaluation),
    ]


def _about_size(strict: Score) -> Iterator[str]:
    counts = strict.counts
    if not counts.gold:
        yield "No mention is annotated in test: recall and F1 mean nothing here."
    elif counts.correct == counts.gold == counts.predicted:
        yield (
            "The model made no error here, so the interval has no width. Resampling cannot show errors that "
            f"never occurred: even so, up to about 3 in {counts.gold:,} mentions could be missed elsewhere "
            "(rule of three, for mentions independent of each other)."
        )
    if strict.groups < FEWEST_GROUPS:
        yield (
            f"Test has only {strict.groups} groups (patients, or documents by themselves). That is too few "
            "to say how far the scores would move with others: no intervals are given."
        )
    elif strict.groups < ROUGH_GROUPS:
        yield (
            f"Test has {strict.groups} groups (patients, or documents by themselves). With fewer than "
            f"{ROUGH_GROUPS} the intervals tend to be too narrow."
        )


def _about_tags(evaluation: Evaluation) -> Iterator[str]:
    lost, gold = sum(evaluation.inexpressible.values()), evaluation.strict.counts.gold
    if lost and gold:
        reasons = ", ".join(
            f"{count:,} {REASONS.get(reason, reason)}"
            for reason, count in sorted(evaluation.inexpressible.items())
            if count
        )
        yield (
            f"The model's tags cannot say {lost:,} of the {gold:,} annotated mentions ({reasons}). They "
            "count as missed: a model that repeated its training tags without error would reach a recall of "
            f"{number((gold - lost) / gold)}."
        )


def _about_labels(evaluation: Evaluation) -> Iterator[str]:
    if evaluation.untaught:
        yield (
            f"Train never names these labels of test, so the model cannot have learned them: "
            f"{listed(evaluation.untaught)}."
        )
    rare = [
        f"{label} ({score.counts.gold})" for label, score in evaluation.labels.items() if not score.enough
    ]
    if rare:
        yield (
            f"Labels with fewer than {FEWEST_MENTIONS} annotated mentions; one mention moves their scores by "
            f"5 points or more: {listed(rare)}."
        )


def _about_confidence(evaluation: Evaluation) -> Iterator[str]:
    if evaluation.strict.counts.predicted >= 100 and evaluation.reliability.ece > 0.1:
        yield (
            "Do not read the model's confidence as a probability: on average it is off by "
            f"{number(evaluation.reliability.ece)}."
        )


def listed(names: Iterable[str]) -> str:
    """The first LISTED of them, clipped, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - LISTED} more" if len(every) > LISTED else ""
    return ", ".join(name[:60] for name in every[:LISTED]) + more


def describe(evaluation: Evaluation) -> str:
    """The evaluation as Markdown, for the page of the run."""
    strict, reach = evaluation.strict, evaluation.strict.intervals.get("f1")
    between = f", {evaluation.level:.0%} interval {span_of(reach)}" if reach else ""
    rows = [
        f"| {plain(label[:60])} | {number(score.counts.f1)} | {number(score.counts.precision)} "
        f"| {number(score.counts.recall)} | {score.counts.gold:,} |"
        for label, score in list(evaluation.labels.items())[:50]
    ]
    return "\n".join([
        f"**Strict F1 {number(strict.counts.f1)}**{between} · {strict.documents:,} documents, "
        f"{strict.groups:,} groups, {strict.counts.gold:,} annotated mentions",
        "",
        " ".join(reading(strict)),
        "",
        *(f"- {plain(caution)}" for caution in cautions(evaluation)),
        "",
        "| label | F1 | precision | recall | mentions |",
        "|---|--:|--:|--:|--:|",
        *rows,
        "",
        "All of it: report.html in the artifacts.",
    ])  # fmt: skip
