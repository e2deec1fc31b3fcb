"""What the model card says of entity recognition."""

from collections.abc import Iterator, Mapping
from typing import Any

from clintune.exporting.card_facts import Facts, count, interval_of, level_of, plain, table

LAYER = "one linear layer per token"

_FEW = 20
"""Below this many annotated mentions one of them moves recall by more than 5 points."""

_MEASURES: Mapping[str, str] = {
    "strict": "**strict**: same characters, same label (the headline)",
    "boundary": "boundary: same characters, any label",
    "relaxed": "relaxed: same label, at least one character shared",
    "characters": "characters, each by itself: no score of mentions",
    "seen": "strict, mentions whose words carry the label in train",
    "unseen": "strict, all other mentions",
}
_UNSAYABLE: Mapping[str, str] = {
    "nested": "overlap another mention",
    "discontinuous": "lie in several parts",
    "inside_word": "begin or end inside a word",
    "loose_border": "begin or end beside a word",
    "no_token": "are of characters that the tokenizer drops",
}
_SCORES = ("", "F1", "{level} interval", "precision", "recall", "annotated", "predicted")


def head(facts: Facts) -> Iterator[str]:
    """What it does, and how well."""
    strict = facts.metrics["strict"]
    labels = ", ".join(plain(label) for label in facts.examples["labels"])
    yield (
        "Finds mentions in medical text (named-entity recognition): for each, first and last character, a"
        f" label and a score. Labels: {labels}."
    )
    if facts.synthetic:
        yield (
            "> **Made-up data.** This model was trained and tested on synthetic notes, composed by a program"
            " from templates and word lists. No person stands behind them. Its scores say how well it learned"
            " those notes, and nothing about real ones: do not use it on patients' records."
        )
    yield (
        f"Strict F1 on test: **{strict['f1']:.3f}**{interval_of(strict, ' ({}, {level} interval)', facts)},"
        f" over {strict['gold']:,} annotated mentions in {facts.metrics['documents']:,} examples."
    )


def use(facts: Facts) -> Iterator[str]:
    """What it is for, and what not."""
    if facts.synthetic:
        yield "To try the pipeline, the serving and the evidence. It is for no use with real text."
    else:
        yield (
            "To mark mentions in text of the same kind and language as its training data, for a person who"
            " reads the text too. Which kind that is, where the records are from and who may use the model is"
            " not known to the program that wrote this card: add it before others rely on the model."
        )
    yield (
        "Not for: other kinds of text or other languages; decisions about a person that nobody checks;"
        " removing identifiers where a missed one does harm; diagnosis. It is no medical device."
    )


def scores(facts: Facts) -> Iterator[str]:
    """Tables of scores."""
    header = [column.format(level=level_of(facts)) for column in _SCORES]
    yield table(header, [_score_row(title, facts.metrics[name], facts) for name, title in _MEASURES.items()])
    by_label = [
        _score_row(plain(label), score, facts) for label, score in sorted(facts.metrics["label"].items())
    ]
    yield table(["label, strict", *header[1:]], by_label)
    bounds = "resampled by group (bootstrap, percentiles)"
    if "f1_low" not in facts.metrics["strict"]:
        bounds = "missing: too few groups to say how far the scores would move with others"
    yield (
        f"Intervals are {bounds}. They tell how far test itself could move the scores; not what another"
        " hospital, another time or another seed would. Subgroups and errors: the report of the evaluation."
    )


def _score_row(title: str, score: Mapping[str, float], facts: Facts) -> list[str]:
    ratios = [f"{score[name]:.3f}" for name in ("f1", "precision", "recall")]
    counts = [count(score["gold"]), count(score["predicted"])]
    return [title, ratios[0], interval_of(score, "{}", facts) or "-", *ratios[1:], *counts]


def limits(facts: Facts) -> Iterator[str]:
    """What it cannot do, one sentence each."""
    metrics = facts.metrics
    yield (
        f"Mentions whose words never carry their label in train are found with a recall of"
        f" {metrics['unseen']['recall']:.3f}, others with {metrics['seen']['recall']:.3f}."
    )
    yield "It says what is mentioned, not whether it is affirmed, denied, suspected or of a relative."
    yield "Mentions inside each other, in several parts, or that end inside a word: it cannot say them."
    lost = {reason: count for reason, count in sorted(metrics["inexpressible"].items()) if count}
    if lost:
        reasons = ", ".join(f"{count:,} {_UNSAYABLE.get(reason, reason)}" for reason, count in lost.items())
        yield f"In test these are {sum(lost.values()):,} annotated mentions, counted as missed: {reasons}."
    rare = [f"{plain(label)} ({one['gold']:,})" for label, one in sorted(metrics["label"].items())
            if one["gold"] < _FEW]  # fmt: skip
    if rare:
        yield f"Labels with fewer than {_FEW} annotated mentions in test, little is known: {', '.join(rare)}."
    yield (
        f"A score is no promise: on test it is off by {metrics['confidence']['ece']:.3f} on average (expected"
        " calibration error)."
    )


def counted(split: Mapping[str, Any], label: str) -> str:
    """How many mentions of a label a split has."""
    return count(split["spans"].get(label, 0))


def headline(metrics: Mapping[str, Any]) -> str:
    """The score that leads, from metrics.json."""
    strict = metrics["strict"]
    return (
        f"**Strict F1 on test {strict['f1']:.3f}** (precision {strict['precision']:.3f}, recall"
        f" {strict['recall']:.3f}, {strict['gold']:,} annotated mentions)."
    )
