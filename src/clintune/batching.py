"""Windows into padded batches, outputs back into predictions. Knows neither torch nor ONNX."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clintune.checkpoints import Outputs
from clintune.examples import IGNORED, Prediction, Window
from clintune.tasks.codecs import CODECS

Logits: TypeAlias = NDArray[np.float32]

WINDOWS_SORTED = 512
"""How many windows are looked at together for similar lengths: bounds the memory of a prediction."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Arrays of shape [batch, seq]; padding has mask 0, label IGNORED and token 0.

    Labels are [batch, seq] or, where a text has one answer, [batch, 1 + output] of a task's own making.
    """

    input_ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    labels: NDArray[Any]


Forward: TypeAlias = Callable[[Batch], Logits]
"""A model: logits of a batch, [batch, seq, label] or [batch, output]."""


def pad(windows: Sequence[Window]) -> Batch:
    """A batch as wide as its longest window."""
    width = max(len(window.input_ids) for window in windows)
    labels = [np.asarray(window.labels) for window in windows]
    batch = Batch(
        input_ids=np.zeros((len(windows), width), dtype=np.int64),
        mask=np.zeros((len(windows), width), dtype=np.int64),
        labels=np.full((len(windows), max(map(len, labels))), IGNORED, dtype=labels[0].dtype),
    )
    for row, window in enumerate(windows):
        length = len(window.input_ids)
        batch.input_ids[row, :length] = window.input_ids
        batch.mask[row, :length] = 1
        batch.labels[row, : len(labels[row])] = labels[row]
    return batch


def similar_lengths(lengths: Sequence[int], *, budget: int) -> list[list[int]]:
    """Positions in batches of ascending length; a batch times its longest member stays within `budget`.

    A window longer than the budget is a batch of its own.
    """
    batches: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lambda position: (lengths[position], position)):
        if batches and (len(batches[-1]) + 1) * lengths[position] <= budget:
            batches[-1].append(position)
        else:
            batches.append([position])
    return batches


def predict(
    windows: Iterable[Window], forward: Forward, outputs: Outputs, *, batch_tokens: int
) -> Iterator[Prediction[Any]]:
    """One prediction per example, in the order of the windows. Memory does not grow with their number."""
    codec = CODECS[outputs.task]
    outcomes = _outcomes(iter(windows), forward, batch_tokens)
    for example_id, pieces in groupby(outcomes, key=lambda outcome: outcome[0].example_id):
        yield codec.decode(example_id, list(pieces), outputs)


def _outcomes(
    windows: Iterator[Window], forward: Forward, batch_tokens: int
) -> Iterator[tuple[Window, Logits]]:
    """Each window with its row of the logits, in order; a row may be padded at the end."""
    while some := list(islice(windows, WINDOWS_SORTED)):
        found: dict[int, Logits] = {}
        for batch in similar_lengths([len(window.input_ids) for window in some], budget=batch_tokens):
            logits = forward(pad([some[position] for position in batch]))
            found |= {position: logits[row] for row, position in enumerate(batch)}
        yield from ((window, found[position]) for position, window in enumerate(some))
