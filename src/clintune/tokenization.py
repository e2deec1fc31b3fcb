"""Stage tokenize: checked examples into windows that fit the model."""

from collections import Counter
from collections.abc import Iterator
from itertools import compress
from pathlib import Path
from typing import Any

from clintune import params
from clintune.checkpoints import Outputs
from clintune.encoders import longest_window, tokenizer_file
from clintune.errors import ModelError
from clintune.examples import SPLITS, Split, Window
from clintune.files import read_json, whole_folder, write_json
from clintune.tables import read_examples, write_windows
from clintune.tasks.codecs import CODECS, Codec
from clintune.windows import Cutter, load_cutter

Summary = dict[Split, dict[str, Any]]

_PIECES = 4

MOST_UNKNOWN = 0.02
"""Share of unknown tokens above which the base model was hardly made for this language."""


def tokenize(
    section: params.Tokenize, *, task: str, model: params.Model, examples: Path, windows: Path
) -> Summary:
    """Write one file of windows per split, the outputs that a model for them has, and a summary.

    Returns for each split the number of examples, windows, tokens, tokens that stand for characters unknown
    to the tokenizer, and items that the scheme cannot say, by reason. Raises ModelError where windows do
    not fit the model.
    """
    check_fits(section, model)
    codec = CODECS[task]
    companions = [(tokenizer_file(one), _longest(one, section)) for one in model.companions]
    cutter = load_cutter(
        tokenizer_file(model), max_tokens=section.max_tokens, overlap=section.overlap, companions=companions
    )
    labels = codec.labels(read_json(examples / "summary.json")["labels"], section.scheme)
    scales = codec.scales(read_examples(examples / "train.parquet", codec.target), labels)
    outputs = Outputs(
        task, labels, section.max_tokens, section.overlap, scales, tuple(longest for _, longest in companions)
    )
    with whole_folder(windows) as draft:
        summary = {
            split: _split(codec, cutter, outputs, examples / f"{split}.parquet", draft) for split in SPLITS
        }
        write_json(draft / "summary.json", summary)
        outputs.write(draft / "outputs.json")
    return summary


def _split(codec: Codec, cutter: Cutter, outputs: Outputs, examples: Path, folder: Path) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    lost: Counter[str] = Counter()

    def cut() -> Iterator[Window]:
        for example in read_examples(examples, codec.target):
            cut_up, reasons = codec.windows(example, cutter, outputs)
            owned = [token for window in cut_up for token in compress(window.input_ids, window.owned)]
            unknown = sum(token == cutter.reader.unknown for token in owned)
            counts.update(examples=1, tokens=len(owned), unknown=unknown)
            lost.update(reasons)
            yield from cut_up

    counts["windows"] = write_windows(folder / examples.name, cut(), codec.labels_type)
    return {**counts, "inexpressible": dict(lost)}


def _longest(companion: params.Encoder, section: params.Tokenize) -> int:
    """The most tokens of a window that a companion is given: all that it has positions for.

    Without a limit of its own, four for each token of the base model: pieces of words into characters.
    """
    return longest_window(companion) or _PIECES * section.max_tokens


def check_fits(section: params.Tokenize, model: params.Model) -> None:
    """Raises ModelError where a window has more tokens than the model has positions."""
    longest = longest_window(model)
    if longest is not None and section.max_tokens > longest:
        problem = f"is {section.max_tokens}; the model takes at most {longest}"
        raise ModelError("params.yaml: tokenize.max_tokens", problem, "lower it")


def flat(summary: Summary) -> dict[str, float]:
    """The summary as named numbers: `train/tokens`, `test/inexpressible/nested`."""
    numbers: dict[str, float] = {}
    for split, counts in summary.items():
        for name, value in counts.items():
            inner = value if isinstance(value, dict) else {"": value}
            numbers |= {f"{split}/{name}/{reason}".rstrip("/"): count for reason, count in inner.items()}
    return numbers


def unread(summary: Summary) -> str | None:
    """What to say where the tokenizer does not know much of the text; None where it does."""
    tokens, unknown = (sum(counts[name] for counts in summary.values()) for name in ("tokens", "unknown"))
    if unknown <= MOST_UNKNOWN * tokens:
        return None
    return f"the tokenizer of the base model does not know {unknown / tokens:.0%} of the tokens"


def describe(summary: Summary) -> str:
    """What happened, for a reviewer, in Markdown."""
    caution = unread(summary)
    lines = [
        "Each text was cut into overlapping windows that fit the model. No text was cut away; each token",
        "is owned by one window, so that the loss counts it once. *Inexpressible* items (mentions that",
        "are nested, discontinuous, or with a border inside a word) cannot be said in the model's labels:",
        "evaluation counts them as missed. *Unknown* tokens stand for characters that the tokenizer does not",
        "know.",
        *([f"**Caution: {caution}.**"] if caution else []),
        "",
        "| split | examples | windows | tokens | unknown | inexpressible |",
        "| --- | --: | --: | --: | --: | --- |",
    ]
    for split, counts in summary.items():
        lost = ", ".join(f"{reason} {count}" for reason, count in sorted(counts["inexpressible"].items()))
        sizes = " | ".join(str(counts[name]) for name in ("examples", "windows", "tokens", "unknown"))
        lines.append(f"| {split} | {sizes} | {lost or 'none'} |")
    return "\n".join(lines)
