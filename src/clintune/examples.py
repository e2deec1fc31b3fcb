"""The named types of the walk from record to prediction. Characters everywhere, never token numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeAlias, TypeVar

Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

Target = TypeVar("Target")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters text[start:end] carry `label`, except those in `gaps` (a discontinuous mention)."""

    start: int
    end: int
    label: str
    gaps: tuple[tuple[int, int], ...] = ()


Spans: TypeAlias = tuple[Span, ...]
"""The target of entity recognition, in ascending order and without repetition."""


@dataclass(frozen=True, slots=True)
class Example(Generic[Target]):
    """One checked record: `group` (patient, document) decides the split; `attributes` name subgroups."""

    id: str
    group: str
    text: str
    target: Target
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record(Generic[Target]):
    """One record as a reader found it, unchecked.

    `place` is `file:line`; `quoted` is what the corpus says stands at each span of the target, by
    position, and None where the format does not repeat it; `split` is None unless the corpus decides.
    """

    example: Example[Target]
    place: str
    quoted: tuple[str | None, ...] = ()
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of one example that fits the model, special tokens included. Lists have one item per token.

    `starts` and `ends` are character offsets in the example's text (0, 0 for special tokens). `owned`
    marks the tokens that this window answers for: each token of an example is owned exactly once.
    `heads` marks the first token of each word. `labels` are indices in the label list of the model,
    `IGNORED` where the loss must not look.
    """

    example_id: str
    input_ids: tuple[int, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    owned: tuple[bool, ...]
    heads: tuple[bool, ...]
    labels: tuple[int, ...]


IGNORED = -100
"""The label that torch's cross-entropy skips (its `ignore_index` default)."""


@dataclass(frozen=True, slots=True)
class Prediction(Generic[Target]):
    """What the model says of one example, in the target's own type; `scores` in [0, 1], one per item."""

    id: str
    target: Target
    scores: tuple[float, ...]
