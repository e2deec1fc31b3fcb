"""The named types of the walk from record to prediction. Characters everywhere, never token numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeAlias, TypeVar

Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

Target = TypeVar("Target")
Other = TypeVar("Other")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters text[start:end] carry `label`, except those in `gaps` (a discontinuous mention)."""

    start: int
    end: int
    label: str
    gaps: tuple[tuple[int, int], ...] = ()


Spans: TypeAlias = tuple[Span, ...]
"""The target of entity recognition, in ascending order and without repetition."""

Label: TypeAlias = str
"""The target of classification."""

Labels: TypeAlias = tuple[str, ...]
"""The target of multi-label classification: those that hold, in ascending order."""

Values: TypeAlias = tuple[float | None, ...]
"""The target of regression: one number per output of the model, in original units; None where not known."""

Cells: TypeAlias = Mapping[str, str]
"""What a table says of the target, by name of the column, before anybody has read it."""


@dataclass(frozen=True, slots=True)
class Example(Generic[Target]):
    """One checked record: `group` (patient, document) decides the split; `attributes` name subgroups."""

    id: str
    group: str
    text: str
    target: Target
    attributes: Mapping[str, str] = field(default_factory=dict)

    def with_target(self, target: Other) -> "Example[Other]":
        """The same record with a target of another type."""
        return Example(self.id, self.group, self.text, target, self.attributes)


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
class Companion:
    """What another encoder, with a tokenizer of its own, reads of a window. `input_ids` has special tokens.

    Token i of the window shares characters with the tokens `firsts[i]` to `lasts[i] - 1` of these; with none
    where both are 0.
    """

    input_ids: tuple[int, ...]
    firsts: tuple[int, ...]
    lasts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of one example that fits the model, special tokens included. Lists have one item per token.

    `starts` and `ends` are character offsets in the example's text (0, 0 for special tokens). `owned`
    marks the tokens that this window answers for: each token of an example is owned exactly once.
    `heads` marks the first token of each word. `labels` are what the head of the task learns from: for
    entities an index in the label list of the model per token, `IGNORED` where the loss must not look;
    for a task on whole texts see tasks/texts/windowing.py. `companions` has one item per companion of the
    base model.
    """

    example_id: str
    input_ids: tuple[int, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    owned: tuple[bool, ...]
    heads: tuple[bool, ...]
    labels: tuple[float, ...]
    companions: tuple[Companion, ...] = ()

    @property
    def width(self) -> int:
        """Tokens of the longest sequence that an encoder reads."""
        return max(len(self.input_ids), *(len(one.input_ids) for one in self.companions), 0)


IGNORED = -100
"""The label that torch's cross-entropy skips (its `ignore_index` default)."""


@dataclass(frozen=True, slots=True)
class Prediction(Generic[Target]):
    """What the model says of one example, in the target's own type, and how sure it is.

    `scores` in [0, 1]: one per span; one per label of the model, said or not, where labels are of the whole
    text; none for numbers.
    """

    id: str
    target: Target
    scores: tuple[float, ...]
