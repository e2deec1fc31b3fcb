"""What is minimised: sums over items, so that a step can be cut into batches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from clintune import params
from clintune.checkpoints import Outputs
from clintune.errors import ParamsError
from clintune.tasks.heads import HEADS
from clintune.tasks.items import Items, Totals

Total: TypeAlias = Callable[[Tensor, Items], Tensor]
"""A summed loss of outputs [..., output], in fp32."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """`total(outputs, items)` is the summed loss, and `weight(items)` what a mean divides it by.

    `items(labels)` is what the head of the task makes of the labels of a batch.
    """

    items: Callable[[Tensor], Items]
    total: Total
    weight: Callable[[Items], float]


def criterion_of(section: params.Loss, outputs: Outputs, totals: Totals) -> Criterion:
    """The loss that params.yaml names, for a model with these outputs; `totals` are those of train.

    Raises ParamsError where class weights name a label that there is not.
    """
    items = HEADS[outputs.task].items
    match section:
        case params.CrossEntropy():
            weights = _weights(section.class_weights, outputs, _balanced(totals))
            return Criterion(items, cross_entropy(section, weights), weighted(weights))
        case params.BinaryCrossEntropy():
            weights = _weights(section.class_weights, outputs, _positive(totals))
            return Criterion(items, _binary(section, weights), _counted)
        case params.SquaredError():
            return Criterion(items, _errors(lambda errors: errors.square()), _counted)
        case params.AbsoluteError():
            return Criterion(items, _errors(lambda errors: errors.abs()), _counted)
        case params.Huber():
            return Criterion(items, _errors(lambda errors: huber(errors, section.delta)), _counted)


def cross_entropy(section: params.CrossEntropy, weights: Tensor | None) -> Total:
    """-w_y log p_y of each item, p the softmax over its outputs, w the class weights.

    With label smoothing ε the target is 1 - ε + ε/K for the label and ε/K for the other classes of K, each
    weighted (Szegedy et al. 2016, arXiv:1512.00567; torch's definition). With focal γ each item counts
    (1 - p_y)^γ (Lin et al. 2017, arXiv:1708.02002).
    """

    def total(outputs: Tensor, items: Items) -> Tensor:
        flat, each = _flat(outputs), _on(weights, items)
        if not section.focal_gamma:
            losses = nn.functional.cross_entropy(
                flat, items.wanted, each, reduction="none", label_smoothing=section.label_smoothing
            )
            return (losses * items.weights).sum()
        losses = nn.functional.cross_entropy(flat, items.wanted, reduction="none")
        losses = _focal(1 - torch.exp(-losses), section.focal_gamma) * losses
        return (losses * items.weights * (1 if each is None else each[items.wanted])).sum()

    return total


def weighted(weights: Tensor | None) -> Callable[[Items], float]:
    """A weighted mean divides by the weights of the labels."""

    def weight(items: Items) -> float:
        each = _on(weights, items)
        return float((items.weights if each is None else items.weights * each[items.wanted]).sum())

    return weight


def _binary(section: params.BinaryCrossEntropy, weights: Tensor | None) -> Total:
    """-w y log p - (1 - y) log(1 - p) of each decision, p the sigmoid of its output.

    Label smoothing ε makes y = 1 - ε/2 of 1, and ε/2 of 0. With focal γ a decision counts (1 - p_t)^γ, p_t
    the probability of what is true (arXiv:1708.02002).
    """

    def total(outputs: Tensor, items: Items) -> Tensor:
        flat = _flat(outputs)
        wanted = items.wanted * (1 - section.label_smoothing) + section.label_smoothing / 2
        losses = nn.functional.binary_cross_entropy_with_logits(
            flat, wanted, pos_weight=_on(weights, items), reduction="none"
        )
        if section.focal_gamma:
            chances = flat.sigmoid()
            wrong = torch.where(items.wanted > 0, 1 - chances, chances)
            losses = _focal(wrong, section.focal_gamma) * losses
        return (losses * items.weights).sum()

    return total


def _focal(wrong: Tensor, gamma: float) -> Tensor:
    """wrong^γ, without the infinite slope that it has at 0 for γ below 1: an item may be certain."""
    return wrong.clamp(min=torch.finfo(torch.float32).tiny).pow(gamma)


def _errors(size: Callable[[Tensor], Tensor]) -> Total:
    return lambda outputs, items: (size(_flat(outputs) - items.wanted) * items.weights).sum()


def huber(errors: Tensor, delta: float) -> Tensor:
    """e²/2 where |e| ≤ δ, else δ (|e| - δ/2) (Huber 1964)."""
    return nn.functional.huber_loss(errors, torch.zeros_like(errors), reduction="none", delta=delta)


def _flat(outputs: Tensor) -> Tensor:
    return outputs.float().flatten(0, -2)


def _counted(items: Items) -> float:
    return float(items.weights.sum())


def _on(weights: Tensor | None, items: Items) -> Tensor | None:
    return None if weights is None else weights.to(items.weights.device)


def _balanced(totals: Totals) -> list[float]:
    """Of each class n / (K · n_c), K the classes that train has; 0 for others. King and Zeng 2001."""
    present = sum(count > 0 for count in totals.labels)
    return [totals.items / (present * count) if count else 0.0 for count in totals.labels]


def _positive(totals: Totals) -> list[float]:
    """(n - n_c) / n_c: the texts with a label weigh as much as those without; 1 where all or none have it."""
    return [(totals.items - count) / count if 0 < count < totals.items else 1.0 for count in totals.labels]


def _weights(
    named: str | Mapping[str, float] | None, outputs: Outputs, balanced: list[float]
) -> Tensor | None:
    """One weight per output, 1 where none is named.

    A label of entities stands for all its tags: `Drug` for `B-Drug` and `I-Drug`.
    """
    if named is None:
        return None
    if isinstance(named, str):
        return torch.tensor(balanced)
    labels, tags = outputs.labels, outputs.task == "entities"
    short = {label: (tags and label.partition("-")[2]) or label for label in labels}
    for name in named:
        if name not in {*short, *short.values()}:
            place = f"params.yaml: train.loss.class_weights.{name}"
            known = ", ".join(sorted(set(short.values())))
            raise ParamsError(place, "no such label", f"labels are {known}")
    return torch.tensor([float(named.get(label, named.get(short[label], 1.0))) for label in labels])
