"""A label into one wanted probability per label, and back."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from clintune.checkpoints import Outputs, Scale
from clintune.examples import Example, Label, Prediction, Window
from clintune.tables import LABEL, TargetType
from clintune.tasks.agreement import scores_apart
from clintune.tasks.texts.windowing import Piece, labelled, pooled
from clintune.windows import Cutter


@dataclass(frozen=True, slots=True)
class ClassificationCodec:
    """Between a label and a vector of probabilities."""

    target: ClassVar[TargetType[Label]] = LABEL
    labels_type: ClassVar[pa.DataType] = pa.float32()

    def labels(self, named: Sequence[str], _scheme: str) -> tuple[str, ...]:
        """The labels themselves, in ascending order."""
        return tuple(sorted(named))

    def scales(self, _train: Iterable[Example[Label]], _labels: Sequence[str]) -> tuple[Scale, ...]:
        """None: probabilities have none."""
        return ()

    def windows(
        self, example: Example[Label], cutter: Cutter, outputs: Outputs
    ) -> tuple[list[Window], Counter[str]]:
        """1 for the label of the text and 0 for the others, in every window of it."""
        wanted = [float(label == example.target) for label in outputs.labels]
        return labelled(cutter, example.id, example.text, wanted)

    def decode(self, example_id: str, pieces: Sequence[Piece], outputs: Outputs) -> Prediction[Label]:
        """The likeliest label, the first of equals; as scores the probability of each (softmax)."""
        logits = pooled(pieces)
        powers = np.exp(logits - logits.max())
        probabilities = powers / powers.sum()
        label = outputs.labels[int(probabilities.argmax())]
        return Prediction(example_id, label, tuple(probabilities.tolist()))

    def items(self, _prediction: Prediction[Label]) -> int:
        """Its one label."""
        return 1

    def apart(self, one: Prediction[Label], two: Prediction[Label], _outputs: Outputs) -> float:
        """The largest difference of a probability; infinite where the labels differ."""
        return scores_apart(one, two)
