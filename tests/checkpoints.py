"""What tests ask of a checkpoint that training wrote."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from clintune.files import sha256
from clintune.inference import predictions
from clintune.tables import SPANS, read_examples
from clintune.tasks.scorers import SCORERS


def sums(checkpoint: Path) -> dict[str, str]:
    """SHA-256 of each file."""
    return {path.name: sha256(path) for path in checkpoint.rglob("*") if path.is_file()}


def f1(checkpoint: Path, folders: Any, split: str) -> float:
    """Its strict score on a split of what the stages before left in `folders`."""
    gold = read_examples(folders.examples / f"{split}.parquet", SPANS)
    windows = folders.windows / f"{split}.parquet"
    found = predictions(checkpoint, windows, device=torch.device("cpu"), batch_tokens=512)
    pairs = [(one.target, two.target) for one, two in zip(gold, found, strict=True)]
    return SCORERS["entities"].score(pairs)["f1"]


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """Its tensors by name."""
    return load_file(checkpoint / "model.safetensors")


def moved(before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor]) -> set[str]:
    """The tensors that differ, to the bit."""
    return {name for name in before if not torch.equal(before[name], after[name])}
