"""Scores of entities for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from clintune.tasks.padding import padded


def scores(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Strict scores: all, seen and unseen in train, by label."""
    yield "Scores on test (strict: label, first and last character):"
    yield f"  {'':24}  {'F1':>6}  {'interval':>15}  {'precision':>9}  {'recall':>6}  {'mentions':>8}"
    rows = [("all", "strict"), ("seen in train", "seen"), ("not seen in train", "unseen")]
    yield from (_row(name, metrics[key]) for name, key in rows)
    yield from (_row(label, score) for label, score in metrics["label"].items())


def _row(name: str, score: Mapping[str, float]) -> str:
    interval = f"{score['f1_low']:.3f} to {score['f1_high']:.3f}" if "f1_low" in score else "-"
    numbers = f"{score['f1']:6.3f}  {interval:>15}  {score['precision']:9.3f}  {score['recall']:6.3f}"
    return f"  {padded(name, 24)}  {numbers}  {score['gold']:8.0f}"
