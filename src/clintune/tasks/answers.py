"""What a prediction of each task is for the outside: plain JSON."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from clintune.examples import Prediction
from clintune.tasks.classification import answer as classification
from clintune.tasks.entities import answer as entities
from clintune.tasks.multilabel import answer as multilabel
from clintune.tasks.regression import answer as regression

Answer: TypeAlias = Callable[[str, Prediction[Any], Sequence[str]], dict[str, Any]]
"""From a text, its prediction and the model's outputs by name to what stands beside the id."""

ANSWERS: Mapping[str, Answer] = {
    "entities": entities.spans,
    "classification": classification.label,
    "multilabel": multilabel.labels,
    "regression": regression.values,
}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "entities": entities.EXAMPLE,
    "classification": classification.EXAMPLE,
    "multilabel": multilabel.EXAMPLE,
    "regression": regression.EXAMPLE,
}
"""An answer of each task, for who describes its shape."""
