"""Labels into one wanted probability each, and back."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from clintune.checkpoints import Outputs, Scale
from clintune.examples import Example, Labels, Prediction, Window
from clintune.tables import LABELS, TargetType
from clintune.tasks.agreement import scores_apart
from clintune.tasks.texts.windowing import Piece, labelled, pooled
from clintune.windows import Cutter

HOLDS = 0.5
"""From this probability on a label is said to hold."""


@dataclass(frozen=True, slots=True)
class MultilabelCodec:
    """Between labels and a vector of probabilities, each by itself."""

    target: ClassVar[TargetType[Labels]] = LABELS
    labels_type: ClassVar[pa.DataType] = pa.float32()

    def labels(self, named: Sequence[str], _scheme: str) -> tuple[str, ...]:
        """The labels themselves, in ascending order."""
        return tuple(sorted(named))

    def scales(self, _train: Iterable[Example[Labels]], _labels: Sequence[str]) -> tuple[Scale, ...]:
        """None: probabilities have none."""
        return ()

    def windows(
        self, example: Example[Labels], cutter: Cutter, outputs: Outputs
    ) -> tuple[list[Window], Counter[str]]:
        """1 for each label that holds and 0 for the others, in every window of the text."""
        wanted = [float(label in example.target) for label in outputs.labels]
        return labelled(cutter, example.id, example.text, wanted)

    def decode(self, example_id: str, pieces: Sequence[Piece], outputs: Outputs) -> Prediction[Labels]:
        """The labels with a probability of at least HOLDS; as scores the probability of each (sigmoid)."""
        # tanh instead of exp: it cannot overflow.
        probabilities = 0.5 * (1 + np.tanh(0.5 * pooled(pieces)))
        said = tuple(label for label, one in zip(outputs.labels, probabilities, strict=True) if one >= HOLDS)
        return Prediction(example_id, said, tuple(probabilities.tolist()))

    def items(self, prediction: Prediction[Labels]) -> int:
        """Every label, said or not."""
        return len(prediction.scores)

    def apart(self, one: Prediction[Labels], two: Prediction[Labels], _outputs: Outputs) -> float:
        """The largest difference of a probability; infinite where the labels differ."""
        return scores_apart(one, two)
