"""The optimizer, the settings of each tensor, and the course of the learning rate."""

import math
from collections import defaultdict
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from torch import Tensor, optim

from clintune import params
from clintune.training.parts import Parts
from clintune.training.strategies import nothing_fits


def build_optimizer(
    tensors: Mapping[str, Tensor], section: params.Train, parts: Parts | None
) -> optim.Optimizer:
    """The optimizer that params.yaml names, over all tensors; those without a gradient stay as they are.

    `parts` is needed where `layer_decay` is below 1. Raises ModelError for a group that fits no tensor.
    """
    groups = _groups(tensors, section, parts)
    match section.optimizer:
        case params.AdamW() as adamw:
            betas = (adamw.beta1, adamw.beta2)
            return optim.AdamW(groups, betas=betas, eps=adamw.epsilon, fused=True)
        case params.Adam() as adam:
            return optim.Adam(groups, betas=(adam.beta1, adam.beta2), eps=adam.epsilon, fused=True)
        case params.Sgd() as sgd:
            return optim.SGD(groups, momentum=sgd.momentum, nesterov=sgd.nesterov, fused=True)


def _groups(
    tensors: Mapping[str, Tensor], section: params.Train, parts: Parts | None
) -> list[dict[str, Any]]:
    """Tensors of equal settings together, in the order of the network."""
    for group in section.groups:
        if not any(fnmatchcase(name, group.names) for name in tensors):
            raise nothing_fits("tensor", "train.groups", group.names, tensors)
    found: dict[tuple[float, float], list[Tensor]] = defaultdict(list)
    for name, tensor in tensors.items():
        found[_rate(name, section, parts), _decay(name, tensor, section)].append(tensor)
    return [
        {"params": members, "lr": rate, "weight_decay": decay} for (rate, decay), members in found.items()
    ]


def _group(name: str, section: params.Train) -> params.Group | None:
    """The first that fits."""
    return next((group for group in section.groups if fnmatchcase(name, group.names)), None)


def _rate(name: str, section: params.Train, parts: Parts | None) -> float:
    """learning_rate · layer_decay^(depth of the top - depth), discriminative rates of ULMFiT and ELECTRA.

    Howard and Ruder 2018, arXiv:1801.06146. The head has the full rate, the last layer one factor less.
    """
    group = _group(name, section)
    if group is not None and group.learning_rate is not None:
        return group.learning_rate
    if parts is None:
        return section.learning_rate
    depth: int = parts.top - parts.depths[name]
    return section.learning_rate * section.layer_decay**depth


def _decay(name: str, tensor: Tensor, section: params.Train) -> float:
    """Decoupled weight decay: w ← w - rate · decay · w beside the step (arXiv:1711.05101).

    Biases and normalisation weights, all tensors of one dimension, are not decayed unless a group says so.
    """
    if not isinstance(section.optimizer, params.AdamW):
        return 0.0
    group = _group(name, section)
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
