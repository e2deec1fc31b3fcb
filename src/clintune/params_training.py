"""The section train of params.yaml: what is trained, how, and until when."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from clintune.params_base import Count, Fraction, Name, Names, NotNegative, Positive, Section, Share


class Dropout(Section):
    """Shares of numbers set to 0 while training; null: as the base model's configuration has it."""

    hidden: Share | None
    attention: Share | None


class Full(Section):
    """Every weight is trained, from the first step on."""

    kind: Literal["full"]


class Partial(Section):
    """Some weights stay as they are: the embeddings, the first `layers` layers, tensors by their names."""

    kind: Literal["partial"]
    embeddings: bool
    layers: Annotated[int, Field(ge=0)]
    names: Annotated[tuple[Name, ...], Field(strict=False)]


class Gradual(Section):
    """The head and the `initially` topmost layers are trained at first; then one layer more, from the top.

    `every` so many epochs, steps, or validations without a gain in a row (`plateau`). After the last layer
    come the embeddings, if `embeddings` says so. Howard and Ruder 2018, arXiv:1801.06146.
    """

    kind: Literal["gradual"]
    initially: Annotated[int, Field(ge=0)]
    every: Count
    unit: Literal["epoch", "step", "plateau"]
    embeddings: bool


class Lora(Section):
    """Low-rank adapters: W + (alpha / rank) · B · A in place of W, where only A, B and the head are trained.

    `targets` are patterns of names of linear layers in the encoder, as `*.query`; `dropout` is that of what
    A reads. A penalty or a decay is of A and B. Hu et al. 2021, arXiv:2106.09685.
    """

    kind: Literal["lora"]
    rank: Count
    alpha: Count
    dropout: Share
    targets: Names


Single: TypeAlias = Annotated[Full | Partial | Gradual | Lora, Field(discriminator="kind")]
"""Strategies for one encoder."""


class OfEncoder(Section):
    """How one encoder of several is trained. `layer_decay` counts down from its `learning_rate`."""

    strategy: Single
    learning_rate: Positive


class Hybrid(Section):
    """Several encoders, each with a strategy and a learning rate of its own, the base model first.

    The head and what fuses the encoders have `train.learning_rate`, and are trained from the first step on.
    """

    kind: Literal["hybrid"]
    encoders: Annotated[tuple[OfEncoder, ...], Field(strict=False, min_length=2)]


Strategy: TypeAlias = Annotated[Full | Partial | Gradual | Lora | Hybrid, Field(discriminator="kind")]


class Sgd(Section):
    """Stochastic gradient descent (Sutskever et al. 2013 for both kinds of momentum)."""

    kind: Literal["sgd"]
    momentum: Share
    nesterov: bool

    @model_validator(mode="after")
    def _ahead_of_something(self) -> Self:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs momentum above 0")
        return self


class Adam(Section):
    """Adam (Kingma and Ba 2015, arXiv:1412.6980)."""

    kind: Literal["adam"]
    beta1: Share
    beta2: Share
    epsilon: Positive


class AdamW(Section):
    """AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101)."""

    kind: Literal["adamw"]
    beta1: Share
    beta2: Share
    epsilon: Positive
    weight_decay: NotNegative


Optimizer: TypeAlias = Annotated[Sgd | Adam | AdamW, Field(discriminator="kind")]


class Group(Section):
    """Tensors whose name fits the pattern `names` have settings of their own; null: as the others."""

    names: Name
    learning_rate: Positive | None
    weight_decay: NotNegative | None


class CrossEntropy(Section):
    """Cross-entropy over classes; `class_weights` and `focal_gamma` for rare ones. See training.losses."""

    kind: Literal["cross_entropy"]
    class_weights: Literal["balanced"] | Mapping[str, NotNegative] | None
    label_smoothing: Share
    focal_gamma: NotNegative

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.label_smoothing and self.focal_gamma:
            raise ValueError("label_smoothing and focal_gamma exclude each other: set one of them to 0")
        return self


class BinaryCrossEntropy(Section):
    """Cross-entropy of each label by itself: it holds or not. `class_weights` weigh texts that have it."""

    kind: Literal["binary_cross_entropy"]
    class_weights: Literal["balanced"] | Mapping[str, NotNegative] | None
    label_smoothing: Share
    focal_gamma: NotNegative


class SquaredError(Section):
    """The square of the error, in standard deviations of train."""

    kind: Literal["mse"]


class AbsoluteError(Section):
    """The size of the error, in standard deviations of train: outliers count less."""

    kind: Literal["mae"]


class Huber(Section):
    """Squared up to an error of `delta` standard deviations of train, absolute beyond."""

    kind: Literal["huber"]
    delta: Positive


Loss: TypeAlias = Annotated[
    CrossEntropy | BinaryCrossEntropy | SquaredError | AbsoluteError | Huber, Field(discriminator="kind")
]
LOSSES: Mapping[str, frozenset[str]] = {
    "entities": frozenset({"cross_entropy"}),
    "classification": frozenset({"cross_entropy"}),
    "multilabel": frozenset({"binary_cross_entropy"}),
    "regression": frozenset({"mse", "mae", "huber"}),
}
"""The losses that make sense for a task."""


METRICS: Mapping[str, frozenset[str]] = {
    "entities": frozenset({"f1", "precision", "recall", "loss"}),
    "classification": frozenset({"accuracy", "macro_f1", "loss"}),
    "multilabel": frozenset({"micro_f1", "macro_f1", "loss"}),
    "regression": frozenset({"mae", "rmse", "loss"}),
}
"""The scores on validation that `stopping.metric` may name for a task."""


class Penalty(Section):
    """Added to the loss: `l1` times the sum of |w|, `l2` / 2 times the sum of w², over weight matrices."""

    l1: NotNegative
    l2: NotNegative


class Stopping(Section):
    """When training ends early, and which weights are kept: by a score on validation."""

    metric: Name
    patience: Count
    min_change: NotNegative
    restore: Literal["best", "last"]


class Train(Section):
    """Fine-tuning. `warmup` is the share of steps in which the learning rate rises to its full height.

    `layer_decay` lowers the learning rate of each layer below the top by this factor once more. `averaging`
    is the decay of a running mean of the weights, which then is what is validated and kept: see
    training.averaging.
    """

    strategy: Strategy
    epochs: Count
    learning_rate: Positive
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    groups: Annotated[tuple[Group, ...], Field(strict=False)]
    schedule: Literal["linear", "cosine", "constant"]
    warmup: Fraction
    optimizer: Optimizer
    loss: Loss
    penalty: Penalty
    batch_tokens: Count
    accumulation: Count
    clip_norm: Positive
    averaging: Annotated[float, Field(gt=0, lt=1)] | None
    dropout: Dropout
    precision: Literal["fp32", "bf16", "auto"]
    validations_per_epoch: Count
    stopping: Stopping
    log_every: Count

    @property
    def of_encoders(self) -> tuple[OfEncoder, ...]:
        """Strategy and learning rate of each encoder."""
        if isinstance(self.strategy, Hybrid):
            return self.strategy.encoders
        return (OfEncoder(strategy=self.strategy, learning_rate=self.learning_rate),)

    @model_validator(mode="after")
    def _decay_by_adamw(self) -> Self:
        if self.optimizer.kind != "adamw" and any(group.weight_decay is not None for group in self.groups):
            raise ValueError("weight_decay of a group belongs to the optimizer adamw; others have penalty.l2")
        return self
