"""What people said of the texts of a split and what a model says, as arrays. No text is kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clintune.evaluation.texts.manners import Manner
from clintune.evaluation.texts.weighted import Numbers
from clintune.examples import Example, Prediction


@dataclass(frozen=True, slots=True)
class Answers:
    """Gold, what is said, and how likely, each [text, label]; for numbers scores are what is said."""

    gold: Numbers
    said: Numbers
    scores: Numbers

    def only(self, chosen: NDArray[np.bool_]) -> "Answers":
        """The chosen texts."""
        return Answers(self.gold[chosen], self.said[chosen], self.scores[chosen])


@dataclass(frozen=True, slots=True)
class Texts:
    """What is known of the texts besides: `groups` are numbers in the order of the groups' names."""

    ids: tuple[str, ...]
    groups: NDArray[np.intp]
    attributes: tuple[dict[str, str], ...]
    same: NDArray[np.intp]

    @property
    def group_count(self) -> int:
        """How many groups there are."""
        return int(self.groups.max(initial=-1)) + 1


def gather(
    examples: Iterable[Example[Any]],
    predictions: Iterable[Prediction[Any]],
    labels: Sequence[str],
    manner: Manner,
) -> tuple[Texts, Answers]:
    """One pass over examples and their predictions, in the same order. `same` numbers equal texts alike."""
    ids, groups, attributes, digests, rows = [], [], [], [], []
    for example, prediction in zip(examples, predictions, strict=True):
        if example.id != prediction.id:
            raise ValueError(f"prediction of {prediction.id!r} where {example.id!r} is due")
        ids.append(example.id)
        groups.append(example.group)
        attributes.append(dict(example.attributes))
        digests.append(sha256(example.text.encode("utf-8")).hexdigest())
        said = manner.row(prediction.target, labels)
        rows.append((manner.row(example.target, labels), said, prediction.scores or said))
    columns = np.array(rows, dtype=np.float64)  # [text, side, label]
    texts = Texts(tuple(ids), _numbered(groups), tuple(attributes), _numbered(digests))
    return texts, Answers(columns[:, 0], columns[:, 1], columns[:, 2])


def _numbered(names: Sequence[Any]) -> NDArray[np.intp]:
    return np.unique(np.array(names), return_inverse=True)[1]
