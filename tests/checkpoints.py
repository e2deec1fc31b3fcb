"""What tests ask of a checkpoint that training wrote."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file

from clintune.files import sha256


def sums(checkpoint: Path) -> dict[str, str]:
    """SHA-256 of each file."""
    return {path.name: sha256(path) for path in checkpoint.rglob("*") if path.is_file()}


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """Its tensors by name."""
    return load_file(checkpoint / "model.safetensors")


def moved(before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor]) -> set[str]:
    """The tensors that differ, to the bit."""
    return {name for name in before if not torch.equal(before[name], after[name])}
