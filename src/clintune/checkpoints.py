"""The facts beside the weights: what the outputs of a model mean and how its inputs are cut."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from clintune.files import read_json, write_json


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and standard deviation over train, in original units, of one number that the model predicts."""

    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Outputs:
    """One output per label, in order; windows as the model was trained on them.

    `scales` has one item per output where outputs are numbers in standard deviations from a mean, else none.
    """

    task: str
    labels: tuple[str, ...]
    max_tokens: int
    overlap: int
    scales: tuple[Scale, ...] = ()

    def content(self) -> dict[str, Any]:
        """As JSON has it: scales only where there are any."""
        content = asdict(self)
        return content if self.scales else {name: one for name, one in content.items() if name != "scales"}

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """What `content` gave, also among other keys."""
        scales = tuple(Scale(**one) for one in content["scales"]) if "scales" in content else ()
        labels = tuple(content["labels"])
        return cls(content["task"], labels, content["max_tokens"], content["overlap"], scales)

    def write(self, path: Path) -> None:
        """As JSON."""
        write_json(path, self.content())

    @classmethod
    def read(cls, path: Path) -> Self:
        """What `write` wrote."""
        return cls.of(read_json(path))
