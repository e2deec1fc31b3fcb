"""The training loop: steps, validations, and the end."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import psutil
from tqdm import tqdm

from clintune import params
from clintune.batching import pad
from clintune.errors import TrainingError
from clintune.training.batches import MappedWindows, Step, steps
from clintune.training.history import History
from clintune.training.learner import Learned, Learner
from clintune.training.selection import Best
from clintune.training.strategies import Moment
from clintune.training.validation import Validate


@dataclass(frozen=True, slots=True)
class Planned:
    """One step of the run: its batches, its epoch from 0, and whether a validation is due after it."""

    batches: Step
    epoch: int
    validates: bool


@dataclass(slots=True)
class Meter:
    """What happened since the last report."""

    steps: list[Learned] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)

    def reading(self) -> tuple[dict[str, float], dict[str, float]]:
        """Mean loss, and the last rate, norm and penalty; tokens per second and memory. Starts anew."""
        now, last = time.perf_counter(), self.steps[-1]
        loss = sum(one.loss for one in self.steps) / (sum(one.weight for one in self.steps) or 1.0)
        speed = sum(one.tokens for one in self.steps) / (now - self.began)
        self.steps, self.began = [], now
        return (
            {"loss": loss, "learning_rate": last.learning_rate, "gradient_norm": last.gradient_norm,
             "penalty": last.penalty},
            {"tokens_per_second": speed, "memory_mib": psutil.Process().memory_info().rss / 2**20},
        )  # fmt: skip


def fit(
    learner: Learner,
    windows: MappedWindows,
    plan: Sequence[Planned],
    *,
    validate: Validate,
    history: History,
) -> Best:
    """Train until the plan or the patience is at its end; returns the state to keep.

    Raises TrainingError at the first loss or gradient that is not a finite number.
    """
    best, meter, waited = Best(learner.section.stopping), Meter(), None
    for number, planned in enumerate(tqdm(plan, unit="step", desc="train"), start=1):
        if learner.thaw(Moment(number - 1, planned.epoch, waited)) or number == 1:
            history.thawed(number, learner.trained())
        learned = learner.learn([pad(windows.take(positions)) for positions in planned.batches])
        if not learned.finite:
            raise _not_finite(number, planned)
        meter.steps.append(learned)
        if number % learner.section.log_every == 0 or number == len(plan):
            history.trained(number, *meter.reading())
        if planned.validates:
            best.consider(_validated(validate, history, number), number, learner.snapshot)
            meter.began = time.perf_counter() if not meter.steps else meter.began
        waited = best.waited if planned.validates else None
        if best.exhausted:
            break
    if meter.steps:  # stopped early, between two rows
        history.trained(number, *meter.reading())
    return best


def _validated(validate: Validate, history: History, number: int) -> dict[str, float]:
    scores = dict(validate())
    history.validated(number, scores)
    return scores


def _not_finite(number: int, planned: Planned) -> TrainingError:
    rows = sorted(position for batch in planned.batches for position in batch)
    shown = ", ".join(map(str, rows[:20])) + (" …" if len(rows) > 20 else "")
    problem = f"the loss or its gradient is not a finite number, at rows {shown} of the windows of train"
    step = "lower train.learning_rate, set train.precision to fp32, or look at these rows"
    return TrainingError(f"train, step {number}", problem, step)


def plan_of(lengths: Sequence[int], section: params.Train, *, seed: int) -> list[Planned]:
    """Every step of the run."""
    return [planned for epoch in range(section.epochs) for planned in _epoch(lengths, section, seed, epoch)]


def _epoch(lengths: Sequence[int], section: params.Train, seed: int, epoch: int) -> Iterator[Planned]:
    inside = steps(
        lengths, batch_tokens=section.batch_tokens, accumulation=section.accumulation, seed=seed, epoch=epoch
    )
    parts = section.validations_per_epoch
    due = {math.ceil(len(inside) * part / parts) for part in range(1, parts + 1)}
    for number, batches in enumerate(inside, start=1):
        yield Planned(batches, epoch, number in due)
