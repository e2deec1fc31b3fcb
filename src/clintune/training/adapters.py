"""LoRA: small matrices beside frozen ones, trained in their place and added to them at the end."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import manual_seed, nn
from transformers import PreTrainedModel

from clintune import params
from clintune.errors import ModelError
from clintune.networks import Network
from clintune.training.strategies import nothing_fits


def add_adapters(network: Network, section: params.Train, *, seed: int) -> None:
    """Where the strategy is LoRA: put A and B beside the layers that it names, and freeze all else.

    B is 0 at first, so that the network computes what it did; `seed` decides A. Raises ModelError for a
    pattern that fits no linear layer.
    """
    encoders = network.encoders.items()
    for number, (one, (prefix, encoder)) in enumerate(zip(section.of_encoders, encoders, strict=True)):
        if isinstance(one.strategy, params.Lora):
            several = f".encoders.{number}.strategy" if len(encoders) > 1 else ""
            manual_seed(seed + number)
            _add(encoder, one.strategy, prefix, f"train.strategy{several}")


def _add(encoder: PreTrainedModel, section: params.Lora, prefix: str, key: str) -> None:
    from peft import LoraConfig, inject_adapter_in_model  # slow to import; other strategies go without

    names = _targets(encoder, section.targets, prefix, key)
    config = LoraConfig(
        r=section.rank, lora_alpha=section.alpha, lora_dropout=section.dropout,
        # One expression for the whole name: of a list peft also takes every name that ends alike.
        target_modules="|".join(map(re.escape, names)),
    )  # fmt: skip
    inject_adapter_in_model(config, encoder)


def merge_adapters(network: Network, section: params.Train) -> None:
    """W ← W + (alpha / rank) · B · A: the network has the tensors and the names of its base model again."""
    for one, encoder in zip(section.of_encoders, network.encoders.values(), strict=True):
        if isinstance(one.strategy, params.Lora):
            _merge(encoder)


def _merge(encoder: PreTrainedModel) -> None:
    from peft.tuners.lora import LoraLayer

    adapted = [(name, one) for name, one in encoder.named_modules() if isinstance(one, LoraLayer)]
    for name, layer in adapted:
        layer.merge()
        encoder.set_submodule(name, layer.get_base_layer())
    del encoder.peft_config


def _targets(encoder: PreTrainedModel, patterns: Sequence[str], prefix: str, key: str) -> list[str]:
    """The linear layers, by their names in the encoder, that any pattern fits as `prefix.name`."""
    linear = [name for name, one in encoder.named_modules() if isinstance(one, nn.Linear)]
    if not linear:
        problem = f"a model of type {encoder.config.model_type} has no linear layers"
        raise ModelError(f"params.yaml: {key}", problem, "choose another strategy")
    for pattern in patterns:
        if not any(fnmatchcase(f"{prefix}.{name}", pattern) for name in linear):
            named = [f"{prefix}.{name}" for name in linear]
            raise nothing_fits("linear layer", f"{key}.targets", pattern, named)
    return [name for name in linear if any(fnmatchcase(f"{prefix}.{name}", one) for one in patterns)]
