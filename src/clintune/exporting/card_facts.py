"""What a model card tells, and how it writes numbers and names in Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clintune import markdown
from clintune.checkpoints import Outputs


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


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, its columns but the first to the right where there are several."""
    rule = ["---", *("--:" if len(header) > 2 else "---" for _ in header[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))


def interval_of(score: Mapping[str, float], form: str, facts: Facts, *, name: str = "f1") -> str:
    """The interval of score `name` as `form` has it, empty where there is none."""
    if f"{name}_low" not in score:
        return ""
    return form.format(f"{score[f'{name}_low']:.3f} to {score[f'{name}_high']:.3f}", level=level_of(facts))


def level_of(facts: Facts) -> str:
    """In per cent."""
    return f"{100 * facts.level:g} %"


def count(number: float) -> str:
    """Without decimals."""
    return f"{number:,.0f}"


def plain(label: str) -> str:
    """A label of somebody's corpus, cut to 60 characters, without meaning for Markdown."""
    return markdown.plain(" ".join(label.split())[:60])
