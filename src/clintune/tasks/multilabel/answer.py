"""Predicted labels as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from clintune.examples import Labels, Prediction
from clintune.tasks.texts.answer import probabilities

EXAMPLE: Mapping[str, Any] = {
    "labels": ["cardiology"],
    "scores": [{"label": "cardiology", "score": 0.9}],
}
"""The shape of an answer; a text may have no label."""


def labels(_text: str, prediction: Prediction[Labels], outputs: Sequence[str]) -> dict[str, Any]:
    """The labels that hold, and the probability of every label."""
    return {"labels": list(prediction.target), "scores": probabilities(outputs, prediction.scores)}
