"""The model card as CycloneDX has it: how the model was made, its scores, what it is for and what not."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from clintune.evidence.declared import Words
from clintune.evidence.documents.naming import params_of, text_of
from clintune.evidence.documents.parts import examples, properties
from clintune.evidence.documents.quoting import METRICS, MODEL_CARD, Quotes
from clintune.evidence.subject import Record
from clintune.markdown import unescaped

_LOW, _HIGH = "_low", "_high"


def model_card(records: Mapping[str, Record], quotes: Quotes, declarations: Words) -> dict[str, Any]:
    """Scores and considerations are left out where the file that has them is not as sealed."""
    made = params_of(records["train"]) if "train" in records else {}
    task = params_of(records["preprocess"]).get("task") if "preprocess" in records else None
    parameters: dict[str, Any] = {
        "approach": {"type": "supervised"},
        "datasets": [{"ref": ref} for ref in examples(records)],
        **({"task": task} if task else {}),
    }
    metrics = quotes.tree(METRICS)
    return {
        "modelParameters": parameters,
        "quantitativeAnalysis": {"performanceMetrics": [] if metrics is None else list(scores(metrics))},
        "considerations": _considerations(quotes, declarations),
        "properties": properties({f"params.{key}": text_of(value) for key, value in made.items()}),
    }


def scores(metrics: Mapping[str, Any], part: str = "") -> Iterator[dict[str, Any]]:
    """Each number of metrics.json, with its interval where it has one; `slice` is what it is a score of."""
    for name, value in sorted(metrics.items()):
        if isinstance(value, Mapping):
            yield from scores(value, f"{part}/{name}" if part else name)
        elif isinstance(value, int | float) and not name.endswith((_LOW, _HIGH)):
            score: dict[str, Any] = {"type": name, "value": str(value), **({"slice": part} if part else {})}
            if name + _LOW in metrics:
                low, high = metrics[name + _LOW], metrics[name + _HIGH]
                score["confidenceInterval"] = {"lowerBound": str(low), "upperBound": str(high)}
            yield score


def _considerations(quotes: Quotes, declarations: Words) -> dict[str, Any]:
    """Of the model card that export wrote, and of what people declare; what neither says is left out."""
    card = quotes.quoted.get(MODEL_CARD, b"").decode("utf-8")
    use, limits = _section(card, "Intended use"), _section(card, "Limits")
    warnings = [_text(block) for block in card.split("\n\n") if block.startswith("> ")]
    against = [_text(block) for block in use if block.startswith("Not for:")]
    found: dict[str, list[Any]] = {
        "users": [declarations.declared("users")],
        "useCases": [
            declarations.declared("intended_use"),
            *(_text(block) for block in use if not block.startswith("Not for:")),
        ],
        "technicalLimitations": [
            *warnings, *against, *(_text(line) for block in limits for line in block.splitlines()),
            declarations.declared("limits"),
        ],
    }  # fmt: skip
    said = {key: [one for one in values if one] for key, values in found.items()}
    return {key: values for key, values in said.items() if values}


def _section(card: str, title: str) -> list[str]:
    """Its blocks."""
    found = re.search(rf"^## {title}\n\n(.*?)(?=^## |\Z)", card, flags=re.MULTILINE | re.DOTALL)
    return found[1].strip().split("\n\n") if found else []


def _text(block: str) -> str:
    """Without what stands before a quotation or in a list."""
    return unescaped(re.sub(r"^(> |- )", "", block)).replace("**", "")
