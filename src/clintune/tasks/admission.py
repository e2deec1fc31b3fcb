"""What comes of a record: an example, or a reason why there is none."""

from dataclasses import dataclass
from typing import Any, Generic

from clintune.examples import Example, Target


@dataclass(frozen=True, slots=True)
class Fault:
    """A reason code, and where in the record: positions and labels, never text."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Admitted(Generic[Target]):
    """A sound example; how many items had a label that is left out, and how many were said twice.

    `names` has one item per value where the target is numbers.
    """

    example: Example[Target]
    left_out: int = 0
    repeated: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A sound record that params leave out: its only label is mapped to null."""


Outcome = Admitted[Any] | Fault | LeftOut
