"""MODEL_CARD.md: what the model is, what is known of it and what is not. No text of a record."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from clintune.examples import SPLITS
from clintune.exporting.card_facts import Facts, count, plain, table
from clintune.exporting.cards import CARDS
from clintune.params import leaves


def model_card(facts: Facts) -> str:
    """The whole card, in Markdown. The same facts are the same bytes."""
    parts = (_head, _use, _training_data, _scores, _limits, _making, _files)
    return "\n\n".join(block for part in parts for block in part(facts)) + "\n"


def _head(facts: Facts) -> Iterator[str]:
    yield f"# {facts.name}"
    yield from CARDS[facts.outputs.task].head(facts)


def _use(facts: Facts) -> Iterator[str]:
    yield "## Intended use"
    yield from CARDS[facts.outputs.task].use(facts)


def _training_data(facts: Facts) -> Iterator[str]:
    records, splits = facts.examples["records"], facts.examples["splits"]
    yield "## Data"
    yield (
        f"{records['in']:,} records: {records['kept']:,} kept, {records['quarantined']:,} set aside as"
        f" broken, {records['left_out']:,} more outside every split. All records of one group (patient,"
        " document) lie in one split. Validation chose the weights; test was read once, after every choice."
    )
    labels = facts.examples["labels"]
    header = ["split", "examples", "groups", "characters", *map(plain, labels)]
    rows = [
        [split, *(count(splits[split][key]) for key in ("examples", "groups", "characters")),
         *(CARDS[facts.outputs.task].counted(splits[split], label) for label in labels)]
        for split in SPLITS
    ]  # fmt: skip
    yield table(header, rows)


def _scores(facts: Facts) -> Iterator[str]:
    yield "## Scores on test"
    yield from CARDS[facts.outputs.task].scores(facts)


def _limits(facts: Facts) -> Iterator[str]:
    yield "## Limits"
    shared = (
        f"Long texts are read in windows of at most {facts.outputs.max_tokens} tokens that share up to"
        f" {facts.outputs.overlap}: what lies further apart is not seen together."
    )
    limits = (*CARDS[facts.outputs.task].limits(facts), shared)
    yield "\n".join(f"- {limit}" for limit in limits)


def _making(facts: Facts) -> Iterator[str]:
    model = facts.made_by["model"]
    rows = [*_encoder("base model", model)]
    for number, companion in enumerate(model["companions"], start=1):
        rows += _encoder(f"companion {number}", companion)
    if model["fusion"]:
        rows.append(["fused by", model["fusion"]])
    rows.append(["`seed`", str(facts.made_by["seed"])])
    for section in ("numerics", "train"):
        rows += [[f"`{section}.{key}`", str(one)] for key, one in leaves(facts.made_by[section])]
    yield "## How it was made"
    yield (
        f"The base model with {CARDS[facts.outputs.task].layer} on top, trained as the rows below say, the"
        " test split not looked at. The same inputs and params give the same bytes."
    )
    yield table(["", ""], rows)


def _encoder(role: str, model: Mapping[str, Any]) -> Iterator[list[str]]:
    """Where an encoder came from, and the sums of its files."""
    source = model["source"]
    # A folder's path is of one machine.
    name = PurePosixPath(model["name"]).name if source in {"folder", "pretrained"} else model["name"]
    yield [role, f"`{name}` ({source})"]
    if model["revision"]:
        yield ["revision", f"`{model['revision']}`"]
    weights = model["weights_sha256"]
    yield ["its weights", f"SHA-256 `{weights}`" if weights else "not used: random weights of another size"]
    yield ["its configuration", f"SHA-256 `{model['config_sha256']}`"]
    yield ["its tokenizer", f"SHA-256 `{model['tokenizer_sha256']}`"]
    for key, value in sorted((model["scratch"] or {}).items()):
        yield [f"`model.scratch.{key}`", str(value)]


def _files(facts: Facts) -> Iterator[str]:
    tokenizers = ", ".join(f"`{name}`" for name in facts.outputs.tokenizers)
    yield "## Files and use"
    yield table(["file", ""], [
        ["`model.onnx`", "the network for ONNX Runtime: what is served and was compared"],
        ["`model.safetensors`, `config.json`", "the same weights for torch"],
        [tokenizers, "text into tokens with character offsets"],
        ["`bundle.json`", "labels, windows, versions, and the SHA-256 of every file, checked at each load"],
        ["`self_check.json`", "a sentence of ours and what the model must say of it; what was compared"],
    ])  # fmt: skip
    yield (
        '`clintune predict BUNDLE FILE`, where FILE holds one `{"id": "…", "text": "…"}` per line; or the'
        f" MLflow model `{facts.name}`, a list of texts in, a list of answers out. No pickle is in either."
    )
