"""The parts of a network from the bottom to the top: embeddings, layers, head."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from clintune.errors import ModelError
from clintune.networks import Network


@dataclass(frozen=True, slots=True)
class Parts:
    """The depth of each tensor: 0 for the embeddings, 1 to `layers`, and `top` for what follows them."""

    depths: Mapping[str, int]
    layers: int

    @property
    def top(self) -> int:
        """The depth of the head, and of what stands between it and the last layer."""
        return self.layers + 1


def parts_of(network: Network) -> Parts:
    """Of any encoder that keeps its layers in one list, as those of transformers do.

    Raises ModelError for another.
    """
    prefix, layers = _layer_list(network)
    depths: dict[str, int] = {}
    below = 0
    for name, _ in network.named_parameters():
        if name.startswith(prefix):
            below = layers + 1  # whatever is named after the layers comes after them
            depths[name] = 1 + int(name[len(prefix) :].partition(".")[0])
        else:
            depths[name] = below if name.startswith("encoder.") else layers + 1
    return Parts(depths, layers)


def _layer_list(network: Network) -> tuple[str, int]:
    config = network.encoder.config
    for name, module in network.encoder.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == config.num_hidden_layers:
            return f"encoder.{name}.", len(module)
    problem = f"a model of type {config.model_type} has no list of layers"
    raise ModelError("params.yaml: train.strategy", problem, "choose full, and layer_decay 1.0")
