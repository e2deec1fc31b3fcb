"""What a prediction of each task is for the outside: plain JSON."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from clintune.examples import Prediction
from clintune.tasks.entities.answer import EXAMPLE, spans

Answer: TypeAlias = Callable[[str, Prediction[Any]], dict[str, Any]]
"""From a text and its prediction to what stands beside the id."""

ANSWERS: Mapping[str, Answer] = {"entities": spans}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {"entities": EXAMPLE}
"""An answer of each task, for who describes its shape."""
