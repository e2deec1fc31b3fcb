"""The parts of an encoder from the bottom to the top: embeddings, layers, and what follows them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from clintune.errors import ModelError


@dataclass(frozen=True, slots=True)
class Parts:
    """The depth of each tensor: 0 for the embeddings, 1 to `layers`, and `top` for what follows them."""

    depths: Mapping[str, int]
    layers: int

    @property
    def top(self) -> int:
        """The depth of the head, and of what stands between it and the last layer."""
        return self.layers + 1

    @property
    def below(self) -> dict[str, int]:
        """How far below the top each tensor is."""
        return {name: self.top - depth for name, depth in self.depths.items()}


def parts_of(prefix: str, encoder: PreTrainedModel, names: Iterable[str]) -> Parts:
    """Of these tensors, those of the encoder named `prefix.…`; the others are at the top.

    For any encoder that keeps its layers in one list, as those of transformers do. Raises ModelError for
    another.
    """
    inside, layers = _layer_list(encoder)
    list_of_layers = f"{prefix}.{inside}."
    depths: dict[str, int] = {}
    below = 0
    for name in names:
        if name.startswith(list_of_layers):
            below = layers + 1  # whatever is named after the layers comes after them
            depths[name] = 1 + int(name[len(list_of_layers) :].partition(".")[0])
        else:
            depths[name] = below if name.startswith(f"{prefix}.") else layers + 1
    return Parts(depths, layers)


def _layer_list(encoder: PreTrainedModel) -> tuple[str, int]:
    config = encoder.config
    for name, module in encoder.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == config.num_hidden_layers:
            return name, len(module)
    problem = f"a model of type {config.model_type} has no list of layers"
    raise ModelError("params.yaml: train.strategy", problem, "choose full, and layer_decay 1.0")
