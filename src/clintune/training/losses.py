"""What is minimised: sums over items, so that a step can be cut into batches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from clintune import params
from clintune.errors import ParamsError
from clintune.examples import IGNORED

Counts: TypeAlias = Mapping[int, int]
"""How many items of train carry each label."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """`total(outputs, labels)` is the summed loss; `weight(labels)` what a mean divides it by."""

    total: Callable[[Tensor, Tensor], Tensor]
    weight: Callable[[Tensor], float]


def cross_entropy(section: params.CrossEntropy, weights: Tensor | None) -> Criterion:
    """-w_y log p_y of each item, p the softmax over classes, w the class weights; IGNORED labels left out.

    With label smoothing ε the target is 1 - ε + ε/K for the label and ε/K for the other classes of K, each
    weighted (Szegedy et al. 2016, arXiv:1512.00567; torch's definition). With focal γ each item counts
    (1 - p_y)^γ (Lin et al. 2017, arXiv:1708.02002). Outputs [..., class] and labels [...]; in fp32.
    """

    def on(device: torch.device) -> Tensor | None:
        return None if weights is None else weights.to(device)

    def total(outputs: Tensor, labels: Tensor) -> Tensor:
        flat, wanted = outputs.float().flatten(0, -2), labels.flatten()
        if not section.focal_gamma:
            return nn.functional.cross_entropy(
                flat, wanted, on(flat.device), ignore_index=IGNORED, reduction="sum",
                label_smoothing=section.label_smoothing,
            )  # fmt: skip
        losses = nn.functional.cross_entropy(flat, wanted, ignore_index=IGNORED, reduction="none")
        focal = (1 - torch.exp(-losses)).pow(section.focal_gamma) * losses
        each = on(flat.device)
        return (focal if each is None else focal * each[wanted.clamp(min=0)]).sum()

    def weight(labels: Tensor) -> float:
        owned, each = labels[labels != IGNORED], on(labels.device)
        return float(len(owned) if each is None else each[owned].sum())

    return Criterion(total, weight)


def criterion_of(section: params.Loss, labels: Sequence[str], counts: Counts) -> Criterion:
    """The loss that params.yaml names, for outputs with these `labels`.

    Raises ParamsError where class weights name a label that there is not.
    """
    weights = _class_weights(section, labels, counts)
    return cross_entropy(section, None if weights is None else torch.tensor(weights))


def _class_weights(section: params.CrossEntropy, labels: Sequence[str], counts: Counts) -> list[float] | None:
    """One weight per output; `balanced`: n / (K · n_c) over train, 0 for a class that train has not.

    King and Zeng 2001; as scikit-learn defines it. A label of entities stands for all its tags: `Drug` for
    `B-Drug` and `I-Drug`.
    """
    match section.class_weights:
        case None:
            return None
        case "balanced":
            total, present = sum(counts.values()), sum(count > 0 for count in counts.values())
            found = [counts.get(index, 0) for index in range(len(labels))]
            return [total / (present * count) if count else 0.0 for count in found]
        case named:
            known = {label: label.partition("-")[2] or label for label in labels}
            for name in named:
                if name not in {*known, *known.values()}:
                    place = f"params.yaml: train.loss.class_weights.{name}"
                    raise ParamsError(
                        place, "no such label", f"labels are {', '.join(sorted(set(known.values())))}"
                    )
            return [float(named.get(label, named.get(short, 1.0))) for label, short in known.items()]
