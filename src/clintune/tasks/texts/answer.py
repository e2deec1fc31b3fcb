"""Probabilities as JSON."""

from collections.abc import Sequence
from typing import Any


def probabilities(outputs: Sequence[str], scores: Sequence[float]) -> list[dict[str, Any]]:
    """Each label with its probability, in the model's order."""
    return [{"label": label, "score": round(score, 6)} for label, score in zip(outputs, scores, strict=True)]
