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
from clintune.windows import Tokens

Logits: TypeAlias = NDArray[np.float32]

WINDOWS_SORTED = 512
"""How many windows are looked at together for similar lengths: bounds the memory of a prediction."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Arrays of shape [batch, seq]; padding has mask 0, label IGNORED and token 0."""

    input_ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    labels: NDArray[np.int64]


Forward: TypeAlias = Callable[[Batch], Logits]
"""A model: logits [batch, seq, label] of a batch."""


def pad(windows: Sequence[Window]) -> Batch:
    """A batch as wide as its longest window."""
    width = max(len(window.input_ids) for window in windows)
    batch = Batch(
        input_ids=np.zeros((len(windows), width), dtype=np.int64),
        mask=np.zeros((len(windows), width), dtype=np.int64),
        labels=np.full((len(windows), width), IGNORED, dtype=np.int64),
    )
    for row, window in enumerate(windows):
        length = len(window.input_ids)
        batch.input_ids[row, :length] = window.input_ids
        batch.mask[row, :length] = 1
        batch.labels[row, :length] = window.labels
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
        tokens, logits = _joined(list(pieces))
        yield codec.decode(example_id, tokens, logits, outputs.labels)


def _outcomes(
    windows: Iterator[Window], forward: Forward, batch_tokens: int
) -> Iterator[tuple[Window, Logits]]:
    """Each window with its logits [seq, label], in order."""
    while some := list(islice(windows, WINDOWS_SORTED)):
        found: dict[int, Logits] = {}
        for batch in similar_lengths([len(window.input_ids) for window in some], budget=batch_tokens):
            logits = forward(pad([some[position] for position in batch]))
            found |= {
                position: logits[row, : len(some[position].input_ids)] for row, position in enumerate(batch)
            }
        yield from ((window, found[position]) for position, window in enumerate(some))


def _joined(pieces: Sequence[tuple[Window, Logits]]) -> tuple[Tokens, Logits]:
    """The owned tokens of all windows of one example: each token of the text once, in order."""
    kept = [(window, position) for window, _ in pieces for position in np.flatnonzero(window.owned)]
    tokens = Tokens(
        ids=tuple(window.input_ids[position] for window, position in kept),
        starts=tuple(window.starts[position] for window, position in kept),
        ends=tuple(window.ends[position] for window, position in kept),
        heads=tuple(window.heads[position] for window, position in kept),
    )
    return tokens, np.concatenate([logits[np.array(window.owned)] for window, logits in pieces])
