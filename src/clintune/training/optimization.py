"""The optimizer, the settings of each tensor, and the course of the learning rate."""

import math
from collections import defaultdict
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from torch import Tensor, optim

from clintune import params
from clintune.networks import Network
from clintune.training.parts import parts_of
from clintune.training.strategies import nothing_fits


def learning_rates(network: Network, section: params.Train) -> dict[str, float]:
    """Of each tensor: rate · layer_decay^(depth of the top - depth), as ULMFiT and ELECTRA do.

    Howard and Ruder 2018, arXiv:1801.06146. The rate is `learning_rate`, or for an encoder of several its
    own; the head has the full rate, the last layer one factor less. Raises ModelError where a model has no
    layers to count.
    """
    rates = {name: section.learning_rate for name, _ in network.named_parameters()}
    for one, (prefix, encoder) in zip(section.of_encoders, network.encoders.items(), strict=True):
        names = [name for name in rates if name.startswith(f"{prefix}.")]
        below = parts_of(prefix, encoder, names).below if section.layer_decay < 1 else dict.fromkeys(names, 0)
        rates |= {name: one.learning_rate * section.layer_decay ** below[name] for name in names}
    return rates


def build_optimizer(
    tensors: Mapping[str, Tensor], section: params.Train, rates: Mapping[str, float]
) -> optim.Optimizer:
    """The optimizer that params.yaml names, over all tensors; those without a gradient stay as they are.

    `rates` are the learning rates of tensors for which no group has one. Raises ModelError for a group that
    fits no tensor.
    """
    groups = _groups(tensors, section, rates)
    match section.optimizer:
        case params.AdamW() as adamw:
            betas = (adamw.beta1, adamw.beta2)
            return optim.AdamW(groups, betas=betas, eps=adamw.epsilon, fused=True)
        case params.Adam() as adam:
            return optim.Adam(groups, betas=(adam.beta1, adam.beta2), eps=adam.epsilon, fused=True)
        case params.Sgd() as sgd:
            return optim.SGD(groups, momentum=sgd.momentum, nesterov=sgd.nesterov, fused=True)


def _groups(
    tensors: Mapping[str, Tensor], section: params.Train, rates: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Tensors of equal settings together, in the order of the network; the first group that fits counts."""
    for group in section.groups:
        if not any(fnmatchcase(name, group.names) for name in tensors):
            raise nothing_fits("tensor", "train.groups", group.names, tensors)
    found: dict[tuple[float, float], list[Tensor]] = defaultdict(list)
    for name, tensor in tensors.items():
        own = next((group for group in section.groups if fnmatchcase(name, group.names)), None)
        rate = own and own.learning_rate
        found[rate or rates[name], _decay(tensor, section, own)].append(tensor)
    return [
        {"params": members, "lr": rate, "weight_decay": decay} for (rate, decay), members in found.items()
    ]


def _decay(tensor: Tensor, section: params.Train, group: params.Group | None) -> float:
    """Decoupled weight decay: w ← w - rate · decay · w beside the step (arXiv:1711.05101).

    Biases and normalisation weights, all tensors of one dimension, are not decayed unless a group says so.
    """
    if not isinstance(section.optimizer, params.AdamW):
        return 0.0
    if group is not None and group.weight_decay is not None:
        return group.weight_decay
    return section.optimizer.weight_decay if tensor.ndim > 1 else 0.0


def build_schedule(
    optimizer: optim.Optimizer, section: params.Train, *, steps: int
) -> optim.lr_scheduler.LambdaLR:
    """The share of its learning rate that each group has at a step."""
    rising = round(steps * section.warmup)

    def share(step: int) -> float:
        if step < rising:
            return (step + 1) / (rising + 1)
        return course(section.schedule, (step - rising) / max(1, steps - rising))

    return optim.lr_scheduler.LambdaLR(optimizer, share)


def course(schedule: str, progress: float) -> float:
    """After the warm-up, `progress` from 0 to 1: constant; linear to 0; half a cosine (arXiv:1608.03983)."""
    match schedule:
        case "constant":
            return 1.0
        case "linear":
            return 1.0 - progress
        case "cosine":
            return 0.5 * (1.0 + math.cos(math.pi * progress))
    raise ValueError(f"no schedule is called {schedule}")
