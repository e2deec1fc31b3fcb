"""Windows into padded batches, outputs back into predictions. Knows neither torch nor ONNX."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clintune.checkpoints import Outputs
from clintune.examples import IGNORED, Companion, Prediction, Window
from clintune.tasks.codecs import CODECS

Logits: TypeAlias = NDArray[np.float32]

WINDOWS_SORTED = 512
"""How many windows are looked at together for similar lengths: bounds the memory of a prediction."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """What a companion reads: `input_ids` and `mask` [batch, its seq], padded as a batch is.

    `firsts` and `lasts` [batch, seq] say which of its tokens belong to each of the batch: see Companion.
    """

    input_ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    firsts: NDArray[np.int64]
    lasts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Arrays of shape [batch, seq]; padding has mask 0, label IGNORED and token 0.

    Labels are [batch, seq] or, where a text has one answer, [batch, 1 + output] of a task's own making.
    """

    input_ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    labels: NDArray[Any]
    companions: tuple[Aligned, ...] = ()

    @property
    def inputs(self) -> tuple[NDArray[np.int64], ...]:
        """All that a network reads, in the order of its arguments."""
        others = ((one.input_ids, one.mask, one.firsts, one.lasts) for one in self.companions)
        return (self.input_ids, self.mask, *chain.from_iterable(others))


Forward: TypeAlias = Callable[[Batch], Logits]
"""A model: logits of a batch, [batch, seq, label] or [batch, output]."""


def pad(windows: Sequence[Window]) -> Batch:
    """A batch as wide as its longest window."""
    companions = zip(*(window.companions for window in windows), strict=True)
    return Batch(
        *_ids_and_mask([window.input_ids for window in windows]),
        _rectangle([window.labels for window in windows], IGNORED),
        tuple(map(_aligned, companions)),
    )


def _aligned(read: Sequence[Companion]) -> Aligned:
    firsts, lasts = ([getattr(one, name) for one in read] for name in ("firsts", "lasts"))
    return Aligned(
        *_ids_and_mask([one.input_ids for one in read]), _rectangle(firsts, 0), _rectangle(lasts, 0)
    )


def _ids_and_mask(rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return _rectangle(rows, 0), _rectangle([[1] * len(row) for row in rows], 0)


def _rectangle(rows: Sequence[Sequence[float]], filling: int) -> NDArray[Any]:
    """Rows of one width: `filling` behind the shorter ones. Whole numbers stay whole."""
    arrays = [np.asarray(row) for row in rows]
    found = np.full((len(rows), max(map(len, arrays))), filling, dtype=arrays[0].dtype)
    for place, row in zip(found, arrays, strict=True):
        place[: len(row)] = row
    return found


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


def in_batches(
    windows: Iterator[Window], batch_tokens: int
) -> Iterator[tuple[list[Window], list[list[int]]]]:
    """Some windows at a time, and their positions in batches of similar length."""
    while some := list(islice(windows, WINDOWS_SORTED)):
        yield some, similar_lengths([window.width for window in some], budget=batch_tokens)


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
    for some, batches in in_batches(windows, batch_tokens):
        found: dict[int, Logits] = {}
        for batch in batches:
            logits = forward(pad([some[position] for position in batch]))
            found |= {position: logits[row] for row, position in enumerate(batch)}
        yield from ((window, found[position]) for position, window in enumerate(some))
