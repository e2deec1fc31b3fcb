"""LoRA: small matrices beside frozen ones, trained in their place and added to them at the end."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import manual_seed, nn

from clintune import params
from clintune.errors import ModelError
from clintune.networks import Network
from clintune.training.strategies import nothing_fits

_ENCODER = "encoder."


def add_adapters(network: Network, section: params.Lora, *, seed: int) -> None:
    """Put A and B beside the linear layers that `targets` fit, and freeze all else of the encoder.

    B is 0 at first, so that the network computes what it did; `seed` decides A. Raises ModelError for a
    pattern that fits no linear layer.
    """
    from peft import LoraConfig, inject_adapter_in_model  # slow to import; other strategies go without

    names = _targets(network, section.targets)
    config = LoraConfig(
        r=section.rank, lora_alpha=section.alpha, lora_dropout=section.dropout,
        # One expression for the whole name: of a list peft also takes every name that ends alike.
        target_modules="|".join(re.escape(name.removeprefix(_ENCODER)) for name in names),
    )  # fmt: skip
    manual_seed(seed)
    inject_adapter_in_model(config, network.encoder)


def merge_adapters(network: Network) -> None:
    """W ← W + (alpha / rank) · B · A: the network has the tensors and the names of its base model again."""
    from peft.tuners.lora import LoraLayer

    adapted = [(name, one) for name, one in network.named_modules() if isinstance(one, LoraLayer)]
    for name, layer in adapted:
        layer.merge()
        network.set_submodule(name, layer.get_base_layer())
    del network.encoder.peft_config


def _targets(network: Network, patterns: Sequence[str]) -> list[str]:
    """The names of linear layers that any pattern fits."""
    linear = [
        f"{_ENCODER}{name}" for name, one in network.encoder.named_modules() if isinstance(one, nn.Linear)
    ]
    if not linear:
        problem = f"a model of type {network.encoder.config.model_type} has no linear layers"
        raise ModelError("params.yaml: train.strategy", problem, "choose another strategy")
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in linear):
            raise nothing_fits("linear layer", "train.strategy.targets", pattern, linear)
    return [name for name in linear if any(fnmatchcase(name, pattern) for pattern in patterns)]
