"""The codec of each task: what the model should say, and what it said."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clintune.checkpoints import Outputs, Scale
from clintune.examples import Example, Prediction, Window
from clintune.tables import TargetType
from clintune.tasks.classification.codec import ClassificationCodec
from clintune.tasks.entities.codec import EntityCodec
from clintune.tasks.multilabel.codec import MultilabelCodec
from clintune.tasks.regression.codec import RegressionCodec
from clintune.windows import Cutter


class Codec(Protocol):
    """What tokenize asks before training, and evaluation, export and serving ask after."""

    @property
    def target(self) -> TargetType[Any]:
        """How targets lie on disk."""

    @property
    def labels_type(self) -> pa.DataType:
        """The type of one label of a window."""

    def labels(self, named: Sequence[str], scheme: str, /) -> tuple[str, ...]:
        """The outputs of the model, in order, for the labels that the examples name."""

    def scales(self, train: Iterable[Example[Any]], labels: Sequence[str], /) -> tuple[Scale, ...]:
        """Mean and deviation of each output over train; none where outputs are no numbers."""

    def windows(
        self, example: Example[Any], cutter: Cutter, outputs: Outputs, /
    ) -> tuple[list[Window], Counter[str]]:
        """The windows of an example with their labels, and how many items could not be said, by reason."""

    def decode(
        self, example_id: str, pieces: Sequence[tuple[Window, NDArray[np.float32]]], outputs: Outputs, /
    ) -> Prediction[Any]:
        """What the windows of one example and the model's outputs for them say, in the task's language.

        Outputs have shape [token, label], padding at the end, or [output], as the head of the task has it.
        """

    def items(self, prediction: Prediction[Any], /) -> int:
        """How many things it says."""

    def apart(self, one: Prediction[Any], two: Prediction[Any], outputs: Outputs, /) -> float:
        """How far two predictions of one example lie apart; infinite where they say different things."""


CODECS: Mapping[str, Codec] = {
    "entities": EntityCodec(),
    "classification": ClassificationCodec(),
    "multilabel": MultilabelCodec(),
    "regression": RegressionCodec(),
}
