"""Numbers into standard deviations from the mean of train, and back into original units."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from clintune.checkpoints import Outputs, Scale
from clintune.errors import DataError
from clintune.examples import Example, Prediction, Values, Window
from clintune.tables import VALUES, TargetType
from clintune.tasks.texts.windowing import Piece, labelled, pooled
from clintune.windows import Cutter


@dataclass(frozen=True, slots=True)
class RegressionCodec:
    """Between numbers in original units and standardised ones. A value that is not known is not a number."""

    target: ClassVar[TargetType[Values]] = VALUES
    labels_type: ClassVar[pa.DataType] = pa.float32()

    def labels(self, named: Sequence[str], _scheme: str) -> tuple[str, ...]:
        """The names of the targets, in ascending order: that of the values of an example."""
        return tuple(sorted(named))

    def scales(self, train: Iterable[Example[Values]], labels: Sequence[str]) -> tuple[Scale, ...]:
        """Mean and standard deviation (of the population) of each target over train, of no other split.

        Raises DataError for a target of which train holds no value.
        """
        sums = [_Sums() for _ in labels]
        for example in train:
            for one, value in zip(sums, example.target, strict=True):
                if value is not None:
                    one.add(value)
        for label, one in zip(labels, sums, strict=True):
            if not one.count:
                problem = f"train holds no value of {label!r}"
                raise DataError("params.yaml: preprocess.table.target", problem, "leave it out")
        return tuple(one.scale for one in sums)

    def windows(
        self, example: Example[Values], cutter: Cutter, outputs: Outputs
    ) -> tuple[list[Window], Counter[str]]:
        """The standardised values, in every window of the text."""
        wanted = [
            math.nan if value is None else (value - scale.mean) / scale.deviation
            for value, scale in zip(example.target, outputs.scales, strict=True)
        ]
        return labelled(cutter, example.id, example.text, wanted)

    def decode(self, example_id: str, pieces: Sequence[Piece], outputs: Outputs) -> Prediction[Values]:
        """The values in original units, without scores."""
        standardised = pooled(pieces).tolist()
        values = tuple(
            scale.mean + scale.deviation * one
            for one, scale in zip(standardised, outputs.scales, strict=True)
        )
        return Prediction(example_id, values, ())

    def items(self, prediction: Prediction[Values]) -> int:
        """Its values."""
        return len(prediction.target)

    def apart(self, one: Prediction[Values], two: Prediction[Values], outputs: Outputs) -> float:
        """The largest difference of a value, in standard deviations of train; infinite where one lacks it."""
        return max(
            math.inf if a is None or b is None else abs(a - b) / scale.deviation
            for a, b, scale in zip(one.target, two.target, outputs.scales, strict=True)
        )


class _Sums:
    """Mean and squared distance from it, one value after the other (Welford 1962)."""

    def __init__(self) -> None:
        self.count, self._mean, self._squares = 0, 0.0, 0.0

    def add(self, value: float) -> None:
        self.count += 1
        step = value - self._mean
        self._mean += step / self.count
        self._squares += step * (value - self._mean)

    @property
    def scale(self) -> Scale:
        """A target that never varies keeps its units: there is nothing to divide by."""
        return Scale(self._mean, math.sqrt(self._squares / self.count) or 1.0)
