"""The training loop: steps, validations, and the end."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from clintune import params
from clintune.batching import pad
from clintune.errors import TrainingError
from clintune.training.batches import Step, Windows, steps
from clintune.training.course import Course
from clintune.training.resuming import Keeper
from clintune.training.selection import Validate
from clintune.training.strategies import Moment


@dataclass(frozen=True, slots=True)
class Planned:
    """One step of the run: its batches, its epoch from 0, and whether a validation is due after it."""

    batches: Step
    epoch: int
    validates: bool


def fit(
    course: Course,
    windows: Windows,
    plan: Sequence[Planned],
    *,
    validate: Validate,
    keeper: Keeper | None,
) -> None:
    """Train until the plan or the patience is at its end; `course.best` has the state to keep.

    Raises TrainingError at the first loss or gradient that is not a finite number.
    """
    if keeper is not None:
        keeper.resume(course)
    bar = tqdm(plan[course.done :], initial=course.done, total=len(plan), unit="step", desc="train")
    for planned in bar:
        if course.best.exhausted:
            break
        _step(course, windows, planned, last=course.done + 1 == len(plan))
        if planned.validates:
            _validate(course, validate)
        course.waited = course.best.waited if planned.validates else None
        if keeper is not None:
            keeper.keep(course)
    if course.meter.steps:  # stopped early, between two rows
        course.report()


def _step(course: Course, windows: Windows, planned: Planned, *, last: bool) -> None:
    learner, number = course.learner, course.done + 1
    learner.thaw(Moment(course.done, planned.epoch, course.waited))
    learned = learner.learn([pad(windows.take(one, planned.epoch)) for one in planned.batches])
    if not learned.finite:
        raise _not_finite(number, planned)
    course.done = number
    course.meter.steps.append(learned)
    if number % learner.section.log_every == 0 or last:
        course.report()


def _validate(course: Course, validate: Validate) -> None:
    began = time.perf_counter()
    with course.learner.averaged():
        scores = validate()
        course.best.consider(scores, course.done, course.learner.snapshot)
    course.history.validated(course.done, scores)
    course.meter.began += time.perf_counter() - began  # no part of the speed of training


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
