"""The scores in metrics.json as lines for a terminal, of each task."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from clintune.tasks.entities.lines import scores as entities
from clintune.tasks.texts.lines import label_scores, value_scores

Lines: TypeAlias = Callable[[Mapping[str, Any]], Iterator[str]]
"""A title, then a table."""

LINES: Mapping[str, Lines] = {
    "entities": entities,
    "classification": label_scores,
    "multilabel": label_scores,
    "regression": value_scores,
}
