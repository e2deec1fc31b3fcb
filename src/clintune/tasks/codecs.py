"""The codec of each task: what is legal, what the model should say, and what it said."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from clintune.examples import Example, Prediction
from clintune.tables import TargetType
from clintune.tasks.entities.codec import EntityCodec
from clintune.windows import Tokens


class Codec(Protocol):
    """What tokenize asks before training, and evaluation and serving ask after."""

    @property
    def target(self) -> TargetType[Any]:
        """How targets lie on disk."""

    def check(self, example: Example[Any]) -> str | None:
        """A reason code why the target is illegal, or None."""

    def labels(self, named: Sequence[str], scheme: str) -> tuple[str, ...]:
        """The outputs of the model, in order, for the labels that the examples name."""

    def label(
        self, example: Example[Any], tokens: Tokens, labels: Sequence[str]
    ) -> tuple[list[int], Counter[str]]:
        """One label index per token, and how many items could not be said, by reason."""

    def decode(
        self, example_id: str, tokens: Tokens, logits: NDArray[np.float32], labels: Sequence[str]
    ) -> Prediction[Any]:
        """What outputs of shape [token, label] say, in the task's language."""


CODECS: Mapping[str, Codec] = {"entities": EntityCodec()}
