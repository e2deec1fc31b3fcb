"""Predicted numbers as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from clintune.examples import Prediction, Values

EXAMPLE: Mapping[str, Any] = {"values": [{"target": "solubility", "value": -3.5}]}
"""The shape of an answer."""


def values(_text: str, prediction: Prediction[Values], outputs: Sequence[str]) -> dict[str, Any]:
    """Each target with its value, in original units."""
    return {
        "values": [
            {"target": name, "value": value} for name, value in zip(outputs, prediction.target, strict=True)
        ]
    }
