"""A predicted label as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from clintune.examples import Label, Prediction
from clintune.tasks.texts.answer import probabilities

EXAMPLE: Mapping[str, Any] = {
    "label": "neoplasms",
    "score": 0.9,
    "scores": [{"label": "neoplasms", "score": 0.9}],
}
"""The shape of an answer."""


def label(_text: str, prediction: Prediction[Label], outputs: Sequence[str]) -> dict[str, Any]:
    """The likeliest label with its probability, and the probability of every label."""
    score = prediction.scores[outputs.index(prediction.target)]
    return {
        "label": prediction.target,
        "score": round(score, 6),
        "scores": probabilities(outputs, prediction.scores),
    }
