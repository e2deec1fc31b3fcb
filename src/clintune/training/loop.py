"""The training loop: steps, validations, and the end."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import psutil
from tqdm import tqdm

from clintune import params
from clintune.batching import pad
from clintune.training.batches import MappedWindows, Step, steps
from clintune.training.history import History
from clintune.training.learner import Learned, Learner
from clintune.training.selection import Best

Validate = Callable[[], Mapping[str, float]]
"""Scores of the network as it stands, by name."""


@dataclass(slots=True)
class _Meter:
    """What happened since the last report."""

    steps: list[Learned] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)

    def reading(self) -> tuple[dict[str, float], dict[str, float]]:
        """Mean loss per owned token and the last rate and norm; tokens per second and memory. Starts anew."""
        now, last = time.perf_counter(), self.steps[-1]
        loss = sum(one.loss for one in self.steps) / max(1, sum(one.owned for one in self.steps))
        speed = sum(one.tokens for one in self.steps) / (now - self.began)
        self.steps, self.began = [], now
        return (
            {"loss": loss, "learning_rate": last.learning_rate, "gradient_norm": last.gradient_norm},
            {"tokens_per_second": speed, "memory_mib": psutil.Process().memory_info().rss / 2**20},
        )


def fit(
    learner: Learner,
    windows: MappedWindows,
    section: params.Train,
    *,
    plan: Sequence[Sequence[Step]],
    validate: Validate,
    height: Callable[[Mapping[str, float]], float],
    history: History,
) -> Best:
    """Train until the epochs or the patience are at their end; returns the state of the greatest `height`."""
    total = sum(len(epoch) for epoch in plan)
    best = Best(section.patience, section.min_change)
    meter = _Meter()
    for number, (group, due) in enumerate(
        tqdm(_schedule(plan, section.validations_per_epoch), total=total, unit="step", desc="train"), start=1
    ):
        meter.steps.append(learner.learn([pad(windows.take(positions)) for positions in group]))
        if number % section.log_every == 0 or number == total:
            history.trained(number, *meter.reading())
        if due:
            learner.network.eval()
            scores = validate()
            history.validated(number, scores)
            best.consider(height(scores), number, learner.network)
            meter.began = time.perf_counter() if not meter.steps else meter.began
        if best.exhausted:
            break
    if meter.steps:  # stopped early, between two rows
        history.trained(number, *meter.reading())
    return best


def epochs(lengths: Sequence[int], section: params.Train, *, seed: int) -> list[list[Step]]:
    """Every step of the run, by epoch."""
    return [
        steps(
            lengths,
            batch_tokens=section.batch_tokens,
            accumulation=section.accumulation,
            seed=seed,
            epoch=epoch,
        )
        for epoch in range(section.epochs)
    ]


def _schedule(plan: Sequence[Sequence[Step]], validations: int) -> Iterator[tuple[Step, bool]]:
    """Each step, and whether a validation is due after it."""
    for epoch in plan:
        due = {math.ceil(len(epoch) * part / validations) for part in range(1, validations + 1)}
        for inside, group in enumerate(epoch, start=1):
            yield group, inside in due
