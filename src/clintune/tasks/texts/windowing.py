"""Whole texts in windows: what each window learns from, and one answer from all windows of a text.

The labels of a window are `(weight, *wanted)`: `weight` is the window's share of its text's tokens, so that a
text counts once in the loss however long it is; `wanted` has one number per output of the model.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from clintune.examples import Window
from clintune.windows import Cutter

Piece: TypeAlias = tuple[Window, NDArray[np.float32]]
"""A window, and what the model put out for it: [output]."""


def labelled(
    cutter: Cutter, example_id: str, text: str, wanted: Iterable[float]
) -> tuple[list[Window], Counter[str]]:
    """The windows of a text, each with its weight and what is wanted of it; nothing is inexpressible."""
    tokens, vector = cutter.tokens(text), tuple(wanted)
    windows = list(cutter.cut(example_id, tokens, [0] * len(tokens)))
    weights = shares(windows)
    return [
        replace(window, labels=(weight, *vector)) for window, weight in zip(windows, weights, strict=True)
    ], Counter()


def shares(windows: Sequence[Window]) -> list[float]:
    """The share of each window in the tokens of its text: 1 in all. A text without tokens has one window."""
    owned = [sum(window.owned) for window in windows]
    total = sum(owned)
    return [one / total for one in owned] if total else [1 / len(owned)] * len(owned)


def pooled(pieces: Sequence[Piece]) -> NDArray[np.float64]:
    """The mean of the outputs [output] over the windows of a text, weighted by the tokens that each owns.

    So the answer does not hang on a short last window, and overlaps count once.
    """
    weights = shares([window for window, _ in pieces])
    outputs = np.stack([output for _, output in pieces]).astype(np.float64)
    mean: NDArray[np.float64] = (np.array(weights)[:, None] * outputs).sum(axis=0)
    return mean
