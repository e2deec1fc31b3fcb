"""The facts beside the weights: what the outputs of a model mean and how its inputs are cut."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from clintune.files import read_json, write_json

TOKENIZERS = "tokenizers"
"""The folder of a checkpoint that holds them; in a bundle they lie beside the other files."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and standard deviation over train, in original units, of one number that the model predicts."""

    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Outputs:
    """One output per label, in order; windows as the model was trained on them.

    `scales` has one item per output where outputs are numbers in standard deviations from a mean, else none.
    `companions` has one item per companion of the base model: the most tokens that it is given.
    """

    task: str
    labels: tuple[str, ...]
    max_tokens: int
    overlap: int
    scales: tuple[Scale, ...] = ()
    companions: tuple[int, ...] = ()

    @property
    def tokenizers(self) -> tuple[str, ...]:
        """The file names of the tokenizers: that of the base model, then one for each companion."""
        return ("tokenizer.json", *(f"tokenizer-{number + 1}.json" for number in range(len(self.companions))))

    def content(self) -> dict[str, Any]:
        """As JSON has it: scales and companions only where there are any."""
        optional = ("scales", "companions")
        return {name: one for name, one in asdict(self).items() if one or name not in optional}

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """What `content` gave, also among other keys."""
        scales = tuple(Scale(**one) for one in content["scales"]) if "scales" in content else ()
        companions = tuple(content["companions"]) if "companions" in content else ()
        labels, sizes = tuple(content["labels"]), (content["max_tokens"], content["overlap"])
        return cls(content["task"], labels, *sizes, scales, companions)

    def write(self, path: Path) -> None:
        """As JSON."""
        write_json(path, self.content())

    @classmethod
    def read(cls, path: Path) -> Self:
        """What `write` wrote."""
        return cls.of(read_json(path))
