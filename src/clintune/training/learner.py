"""One step of learning: forward, backward, clip, update."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from accelerate import Accelerator
from torch import Tensor, nn, optim

from clintune import params
from clintune.batching import Batch
from clintune.errors import TrainingError
from clintune.networks import Network
from clintune.tasks.heads import Head
from clintune.training.optimization import adamw, warmup_then_decay


@dataclass(frozen=True, slots=True)
class Learned:
    """What one step saw: summed loss over `owned` items, `tokens` in all, gradient norm before clipping.

    Items are what the head counts: owned tokens, or texts.
    """

    loss: float
    owned: float
    tokens: int
    gradient_norm: float
    learning_rate: float


@dataclass(frozen=True, slots=True)
class Learner:
    """A network with what changes it. `model` is the network as Accelerate wraps it."""

    network: Network
    model: nn.Module
    head: Head
    optimizer: optim.Optimizer
    schedule: optim.lr_scheduler.LRScheduler
    accelerator: Accelerator
    clip_norm: float

    @classmethod
    def prepare(
        cls, network: Network, head: Head, section: params.Train, *, steps: int, accelerator: Accelerator
    ) -> Self:
        """Optimizer and schedule for a run of `steps` steps."""
        optimizer = adamw(network, section)
        schedule = warmup_then_decay(optimizer, steps=steps, warmup=section.warmup)
        model, prepared = accelerator.prepare(network, optimizer)
        return cls(network, model, head, prepared, schedule, accelerator, section.clip_norm)

    def learn(self, batches: Sequence[Batch]) -> Learned:
        """One step over all batches together.

        The loss is the mean over the owned items of the whole step, so that accumulation changes the
        memory and not the result. Raises TrainingError if a gradient is not a finite number.
        """
        self.model.train()
        owned = sum(self.head.count(batch.labels) for batch in batches)
        losses = [self._backward(batch, share=max(1, owned)) for batch in batches]
        norm = float(self.accelerator.clip_grad_norm_(self.model.parameters(), self.clip_norm))
        if not math.isfinite(norm):
            problem = "the loss or its gradient is not a finite number"
            raise TrainingError("train", problem, "lower train.learning_rate, or set train.precision to fp32")
        rate = float(self.schedule.get_last_lr()[0])
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.schedule.step()
        return Learned(sum(losses), owned, sum(int(batch.mask.sum()) for batch in batches), norm, rate)

    def _backward(self, batch: Batch, *, share: float) -> float:
        logits = self.model(self._tensor(batch.input_ids), self._tensor(batch.mask))
        loss = self.head.loss(logits, self._tensor(batch.labels))
        self.accelerator.backward(loss / share)
        return float(loss.detach())

    def _tensor(self, array: object) -> Tensor:
        return torch.as_tensor(array, device=self.accelerator.device)
