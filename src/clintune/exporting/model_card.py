"""MODEL_CARD.md: what the model is, what is known of it and what is not. No text of a record."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from clintune.checkpoints import Outputs
from clintune.examples import SPLITS
from clintune.params import leaves

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


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card tells: `made_by`, `examples`, `metrics` as params.json, summary.json, metrics.json."""

    name: str
    synthetic: bool
    outputs: Outputs
    made_by: Mapping[str, Any]
    examples: Mapping[str, Any]
    metrics: Mapping[str, Any]
    level: float


def model_card(facts: Facts) -> str:
    """The whole card, in Markdown. The same facts are the same bytes."""
    parts = (_head, _use, _training_data, _scores, _limits, _making, _files)
    return "\n\n".join(block for part in parts for block in part(facts)) + "\n"


def _head(facts: Facts) -> Iterator[str]:
    strict = facts.metrics["strict"]
    labels = ", ".join(_plain(label) for label in facts.examples["labels"])
    yield f"# {facts.name}"
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
        f"Strict F1 on test: **{strict['f1']:.3f}**{_interval(strict, ' ({}, {level} interval)', facts)},"
        f" over {strict['gold']:,} annotated mentions in {facts.metrics['documents']:,} examples."
    )


def _use(facts: Facts) -> Iterator[str]:
    yield "## Intended use"
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


def _training_data(facts: Facts) -> Iterator[str]:
    records, splits = facts.examples["records"], facts.examples["splits"]
    yield "## Data"
    yield (
        f"{records['in']:,} records: {records['kept']:,} kept, {records['quarantined']:,} set aside as"
        f" broken, {records['left_out']:,} more outside every split. All records of one group (patient,"
        " document) lie in one split. Validation chose the weights; test was read once, after every choice."
    )
    labels = facts.examples["labels"]
    header = ["split", "examples", "groups", "characters", *map(_plain, labels)]
    rows = [
        [split, *(_count(splits[split][key]) for key in ("examples", "groups", "characters")),
         *(_count(splits[split]["spans"].get(label, 0)) for label in labels)]
        for split in SPLITS
    ]  # fmt: skip
    yield _table(header, rows)


def _scores(facts: Facts) -> Iterator[str]:
    yield "## Scores on test"
    header = [column.format(level=_level(facts)) for column in _SCORES]
    yield _table(header, [_score_row(title, facts.metrics[name], facts) for name, title in _MEASURES.items()])
    by_label = [
        _score_row(_plain(label), score, facts) for label, score in sorted(facts.metrics["label"].items())
    ]
    yield _table(["label, strict", *header[1:]], by_label)
    bounds = "resampled by group (bootstrap, percentiles)"
    if "f1_low" not in facts.metrics["strict"]:
        bounds = "missing: too few groups to say how far the scores would move with others"
    yield (
        f"Intervals are {bounds}. They tell how far test itself could move the scores; not what another"
        " hospital, another time or another seed would. Subgroups and errors: the report of the evaluation."
    )


def _score_row(title: str, score: Mapping[str, float], facts: Facts) -> list[str]:
    ratios = [f"{score[name]:.3f}" for name in ("f1", "precision", "recall")]
    counts = [_count(score["gold"]), _count(score["predicted"])]
    return [title, ratios[0], _interval(score, "{}", facts) or "-", *ratios[1:], *counts]


def _limits(facts: Facts) -> Iterator[str]:
    yield "## Limits"
    yield "\n".join(f"- {limit}" for limit in _each_limit(facts))


def _each_limit(facts: Facts) -> Iterator[str]:
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
    rare = [f"{_plain(label)} ({one['gold']:,})" for label, one in sorted(metrics["label"].items())
            if one["gold"] < _FEW]  # fmt: skip
    if rare:
        yield f"Labels with fewer than {_FEW} annotated mentions in test, little is known: {', '.join(rare)}."
    yield (
        f"A score is no promise: on test it is off by {metrics['confidence']['ece']:.3f} on average (expected"
        " calibration error)."
    )
    yield (
        f"Long texts are read in windows of {facts.outputs.max_tokens} tokens that share"
        f" {facts.outputs.overlap}: what lies further apart is not seen together."
    )


def _making(facts: Facts) -> Iterator[str]:
    model = facts.made_by["model"]
    # A folder's path is of one machine.
    name = PurePosixPath(model["name"]).name if model["source"] == "folder" else model["name"]
    weights = model["weights_sha256"]
    rows = [
        ["base model", f"`{name}` ({model['source']})"],
        *([["revision", f"`{model['revision']}`"]] if model["revision"] else []),
        ["its weights", f"SHA-256 `{weights}`" if weights else "not used: random weights of another size"],
        ["its configuration", f"SHA-256 `{model['config_sha256']}`"],
        ["its tokenizer", f"SHA-256 `{model['tokenizer_sha256']}`"],
        *(
            [
                [f"`model.scratch.{key}`", str(value)]
                for key, value in sorted((model["scratch"] or {}).items())
            ]
        ),
        ["`seed`", str(facts.made_by["seed"])],
    ]
    for section in ("numerics", "train"):
        rows += [[f"`{section}.{key}`", str(one)] for key, one in leaves(facts.made_by[section])]
    yield "## How it was made"
    yield (
        "The base model with one linear layer per token on top, trained as the rows below say, the test split"
        " not looked at. The same inputs and params give the same bytes."
    )
    yield _table(["", ""], rows)


def _files(facts: Facts) -> Iterator[str]:
    yield "## Files and use"
    yield _table(["file", ""], [
        ["`model.onnx`", "the network for ONNX Runtime: what is served and was compared"],
        ["`model.safetensors`, `config.json`", "the same weights for torch"],
        ["`tokenizer.json`", "text into tokens with character offsets"],
        ["`bundle.json`", "labels, windows, versions, and the SHA-256 of every file, checked at each load"],
        ["`self_check.json`", "a sentence of ours and what the model must say of it; what was compared"],
    ])  # fmt: skip
    yield (
        '`clintune predict BUNDLE FILE`, where FILE holds one `{"id": "…", "text": "…"}` per line; or the'
        f" MLflow model `{facts.name}`, a list of texts in, a list of answers out. No pickle is in either."
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---", *("--:" if len(header) > 2 else "---" for _ in header[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))


def _interval(score: Mapping[str, float], form: str, facts: Facts) -> str:
    """Empty where there is none."""
    if "f1_low" not in score:
        return ""
    return form.format(f"{score['f1_low']:.3f} to {score['f1_high']:.3f}", level=_level(facts))


def _level(facts: Facts) -> str:
    return f"{100 * facts.level:g} %"


def _count(number: float) -> str:
    return f"{number:,.0f}"


def _plain(label: str) -> str:
    """A label of somebody's corpus, without meaning for Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$])", r"\\\1", " ".join(label.split())[:60])
