"""One step of learning: forward, backward, clip, update."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import torch
from accelerate import Accelerator
from torch import Tensor, nn, optim

from clintune import params
from clintune.batching import Batch
from clintune.devices import Compute
from clintune.networks import Network
from clintune.tasks.items import Items
from clintune.training.averaging import RunningMean
from clintune.training.losses import Criterion
from clintune.training.optimization import build_optimizer, build_schedule, learning_rates
from clintune.training.penalties import add_penalty
from clintune.training.strategies import Moment, Strategy, strategy_of
from clintune.training.weights import Weights


@dataclass(frozen=True, slots=True)
class Learned:
    """What one step saw. `loss` is a sum, and `weight` what its mean divides by.

    `gradient_norm` is that before clipping, `learning_rate` that of the first group of tensors.
    """

    loss: float
    weight: float
    penalty: float
    tokens: int
    gradient_norm: float
    learning_rate: float

    @property
    def finite(self) -> bool:
        """Whether these are numbers to go on with."""
        return math.isfinite(self.loss) and math.isfinite(self.gradient_norm)


@dataclass(frozen=True, slots=True)
class Learner:
    """A network with what changes it. `model` is the network as Accelerate wraps it.

    `mean` is that of the weights, None where `averaging` is null.
    """

    network: Network
    model: nn.Module
    weights: Weights
    mean: RunningMean | None
    criterion: Criterion
    strategy: Strategy
    optimizer: optim.Optimizer
    schedule: optim.lr_scheduler.LambdaLR
    accelerator: Accelerator
    section: params.Train

    @classmethod
    def prepare(
        cls, network: Network, criterion: Criterion, section: params.Train, *, steps: int, compute: Compute
    ) -> Self:
        """Optimizer, schedule and strategy for a run of `steps` steps of a network on the device."""
        accelerator = Accelerator(cpu=compute.device.type == "cpu")
        strategy = strategy_of(section, network)
        rates = learning_rates(network, section)
        weights = Weights(network, bf16=compute.bf16)
        weights.train_only(strategy.names())
        optimizer = build_optimizer(weights.tensors, section, rates)
        schedule = build_schedule(optimizer, section, steps=steps)
        model, prepared = accelerator.prepare(network, optimizer)
        mean = RunningMean.over(weights.tensors, section.averaging)
        return cls(
            network, model, weights, mean, criterion, strategy, prepared, schedule, accelerator, section
        )

    def thaw(self, moment: Moment) -> None:
        """Let the strategy thaw what is due before the next step."""
        if self.strategy.advance(moment):
            self.weights.train_only(self.strategy.names())

    def restore(
        self,
        weights: Mapping[str, Tensor],
        mean: Mapping[str, Tensor],
        moments: Mapping[str, Tensor],
        *,
        thawed: Sequence[int],
        done: int,
        rates: Sequence[float],
    ) -> None:
        """Go back to the state after `done` steps. `moments` are named `number of the tensor/name`."""
        self.strategy.restore(thawed)
        self.weights.train_only(self.strategy.names())
        self.weights.load(weights)
        if self.mean is not None:
            self.mean.load(mean)
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in moments.items():
            index, _, key = name.partition("/")
            state.setdefault(int(index), {})[key] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
        self.schedule.last_epoch, self.schedule._last_lr = done, list(rates)
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate

    def trained(self) -> int:
        """How many parameters are trained now."""
        return sum(tensor.numel() for tensor in self.weights.trained())

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Until the block ends the weights are their mean, where there is one."""
        if self.mean is None:
            yield
            return
        last = self.snapshot()
        self.weights.load(self.mean.tensors)
        try:
            yield
        finally:
            self.weights.load(last)

    def snapshot(self) -> dict[str, Tensor]:
        """A copy of all weights, in fp32."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self.weights.tensors.items()}

    def learn(self, batches: Sequence[Batch]) -> Learned:
        """One step over all batches together; none is made where loss or gradient is not finite.

        The loss is the mean over the items of the whole step, so that accumulation changes the memory and
        not the result.
        """
        self.model.train()
        self.weights.clear()
        items = [self.criterion.items(self._tensor(batch.labels)) for batch in batches]
        weight = sum(map(self.criterion.weight, items))
        loss = sum(
            self._backward(batch, wanted, share=weight or 1.0)
            for batch, wanted in zip(batches, items, strict=True)
        )
        trained = self.weights.trained()
        penalty = add_penalty(trained, self.section.penalty)
        norm = float(self.accelerator.clip_grad_norm_(trained, self.section.clip_norm))
        rate = float(self.schedule.get_last_lr()[0])
        tokens = sum(int(batch.mask.sum()) for batch in batches)
        learned = Learned(loss, weight, penalty, tokens, norm, rate)
        if learned.finite:
            self.optimizer.step()
            self.weights.publish()
        self.schedule.step()
        if self.mean is not None:
            self.mean.update(self.weights.tensors, step=self.schedule.last_epoch)
        return learned

    def _backward(self, batch: Batch, items: Items, *, share: float) -> float:
        outputs = self.model(*map(self._tensor, batch.inputs))
        loss = self.criterion.total(outputs, items)
        self.accelerator.backward(loss / share)
        self.weights.collect()
        return float(loss.detach())

    def _tensor(self, array: object) -> Tensor:
        return torch.as_tensor(array, device=self.accelerator.device)
