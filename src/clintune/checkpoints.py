"""The facts beside the weights: what the outputs of a model mean and how its inputs are cut."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from clintune.files import read_json, write_json


@dataclass(frozen=True, slots=True)
class Outputs:
    """One output per label, in order; windows as the model was trained on them."""

    task: str
    labels: tuple[str, ...]
    max_tokens: int
    overlap: int

    def write(self, path: Path) -> None:
        """As JSON."""
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Self:
        """What `write` wrote."""
        content = read_json(path)
        return cls(content["task"], tuple(content["labels"]), content["max_tokens"], content["overlap"])
