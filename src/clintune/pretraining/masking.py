"""Windows with some tokens hidden, and those tokens as what is to be guessed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from clintune.examples import IGNORED, Window
from clintune.pretraining.vocabulary import MASK, SPECIAL
from clintune.training.batches import Windows

_HIDDEN, _EXCHANGED = 0.8, 0.9
"""Of the tokens asked for 80 % are hidden, 10 % are another token, and 10 % stay (arXiv:1810.04805)."""


@dataclass(frozen=True, slots=True)
class Masks:
    """Which share of the tokens is asked for, of a vocabulary of `size` pieces; `seed` decides which."""

    share: float
    size: int
    seed: tuple[int, ...]

    def hide(self, window: Window, *, epoch: int, position: int) -> Window:
        """The window with the masks that it has at this position in this epoch."""
        random = np.random.default_rng([*self.seed, epoch, position])
        ids = np.array(window.input_ids)
        asked = np.array(window.owned) & (random.random(len(ids)) < self.share)
        fate = random.random(len(ids))
        others = random.integers(len(SPECIAL), self.size, len(ids))
        shown = np.where(fate < _HIDDEN, SPECIAL.index(MASK), np.where(fate < _EXCHANGED, others, ids))
        return replace(
            window,
            input_ids=tuple(np.where(asked, shown, ids).tolist()),
            labels=tuple(np.where(asked, ids, IGNORED).tolist()),
        )


@dataclass(frozen=True, slots=True)
class MaskedWindows:
    """The same windows in each epoch, each time with other masks."""

    windows: Windows
    masks: Masks

    def take(self, positions: Sequence[int], epoch: int) -> list[Window]:
        """The windows at these positions, in this order."""
        taken = self.windows.take(positions, epoch)
        return [
            self.masks.hide(window, epoch=epoch, position=position)
            for window, position in zip(taken, positions, strict=True)
        ]
