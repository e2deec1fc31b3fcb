"""What export says of each task, in the model card and to the tracked run: one line per task."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clintune.exporting import entity_card, text_card
from clintune.exporting.card_facts import Facts


@dataclass(frozen=True, slots=True)
class Card:
    """Parts of a model card, and words. `headline` reads metrics.json.

    `items` are what predictions consist of, `scores_of_items` what agrees but for rounding.
    """

    items: str
    scores_of_items: str
    layer: str
    headline: Callable[[Mapping[str, Any]], str]
    head: Callable[[Facts], Iterator[str]]
    use: Callable[[Facts], Iterator[str]]
    counted: Callable[[Mapping[str, Any], str], str]
    scores: Callable[[Facts], Iterator[str]]
    limits: Callable[[Facts], Iterator[str]]


def _of_texts(items: str, scores_of_items: str, told: text_card.Told) -> Card:
    return Card(
        items, scores_of_items, text_card.LAYER,
        told.headline, told.head, told.use, told.counted, told.scores, told.limits,
    )  # fmt: skip


CARDS: Mapping[str, Card] = {
    "entities": Card(
        "predicted spans", "scores", entity_card.LAYER, entity_card.headline,
        entity_card.head, entity_card.use, entity_card.counted, entity_card.scores, entity_card.limits,
    ),
    "classification": _of_texts("predicted labels", "probabilities", text_card.CLASSIFICATION),
    "multilabel": _of_texts("decisions on labels", "probabilities", text_card.MULTILABEL),
    "regression": _of_texts("predicted values", "values, in standard deviations,", text_card.REGRESSION),
}  # fmt: skip
