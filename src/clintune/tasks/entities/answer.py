"""Predicted spans as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from clintune.examples import Prediction, Spans

EXAMPLE: Mapping[str, Any] = {
    "spans": [{"start": 12, "end": 21, "label": "Drug", "text": "metformin", "score": 0.9}]
}
"""What `spans` can answer: its shape, also where a model finds nothing in a text."""


def spans(text: str, prediction: Prediction[Spans], _outputs: Sequence[str]) -> dict[str, Any]:
    """Start and end in characters of the text, label, the characters themselves, and a score in [0, 1]."""
    return {
        "spans": [
            {"start": span.start, "end": span.end, "label": span.label,
             "text": text[span.start : span.end], "score": round(score, 6)}
            for span, score in zip(prediction.target, prediction.scores, strict=True)
        ]
    }  # fmt: skip
