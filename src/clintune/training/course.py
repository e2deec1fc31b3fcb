"""Where training stands: all that a run needs to go on as if it had never been interrupted."""

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil
import torch
from torch import Tensor

from clintune.files import write_json
from clintune.training.history import History, Report
from clintune.training.learner import Learned, Learner
from clintune.training.selection import Best
from clintune.training.verdict import Verdict, judge

_WEIGHTS, _MEAN, _OPTIMIZER, _BEST, _RANDOM = "weights/", "mean/", "optimizer/", "best/", "random/"


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


@dataclass(slots=True)
class Course:
    """The state of a run after `done` steps. `waited` is that of a validation just made, else None.

    The order of the batches is no part of it: the seed gives every epoch its order anew.
    """

    learner: Learner
    best: Best
    history: History
    meter: Meter = field(default_factory=Meter)
    done: int = 0
    waited: int | None = None

    @classmethod
    def begin(cls, learner: Learner, *, falling: bool, seed: int, report: Report) -> Self:
        """Before the first step. `falling` says that the score to stop by is better the lower it is."""
        torch.manual_seed(seed + 1)  # dropout: apart from the first weights, which the seed decides
        return cls(learner, Best(learner.section.stopping, falling), History(report))

    def conclude(self, folder: Path) -> Verdict:
        """Write the curves and the verdict on them."""
        history, metric = self.history, self.learner.section.stopping.metric
        history.write(folder, metric=metric)
        verdict = judge(
            history.training, history.validation, metric, self.best.falling, stopped=self.best.exhausted
        )
        write_json(folder / "verdict.json", verdict.as_json())
        return verdict

    def report(self) -> None:
        """A row of the curve of training, over the steps since the last."""
        values, speed = self.meter.reading()
        self.history.trained(self.done, {**values, "trained_parameters": self.learner.trained()}, speed)

    def tensors(self) -> dict[str, Tensor]:
        """Weights, their mean, state of the optimizer, best weights, state of the random generators."""
        optimizer: Mapping[int, Mapping[str, Tensor]] = self.learner.optimizer.state_dict()["state"]
        moments = {
            f"{index}/{name}": one for index, state in optimizer.items() for name, one in state.items()
        }
        mean = self.learner.mean
        parts = {
            _WEIGHTS: self.learner.weights.tensors, _MEAN: mean.tensors if mean else {},
            _OPTIMIZER: moments, _BEST: self.best.weights, _RANDOM: _generators(),
        }  # fmt: skip
        return {
            f"{prefix}{name}": tensor.detach().cpu().contiguous()
            for prefix, part in parts.items() for name, tensor in part.items()
        }  # fmt: skip

    def facts(self) -> dict[str, Any]:
        """Everything else, for JSON."""
        return {
            "done": self.done, "waited": self.waited, "thawed": self.learner.strategy.thawed,
            "best": {"score": None if math.isnan(self.best.score) else self.best.score,
                     "step": self.best.step, "waited": self.best.waited},
            "rates": self.learner.schedule.get_last_lr(),
            "since_report": [asdict(one) for one in self.meter.steps],
            "training": self.history.training, "validation": self.history.validation,
        }  # fmt: skip

    def restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Go back to what `tensors` and `facts` said, and report the curves up to there."""
        self.done, self.waited = facts["done"], facts["waited"]
        self.learner.restore(
            _part(tensors, _WEIGHTS), _part(tensors, _MEAN), _part(tensors, _OPTIMIZER),
            thawed=facts["thawed"], done=self.done, rates=facts["rates"],
        )  # fmt: skip
        best = facts["best"]
        self.best.score = math.nan if best["score"] is None else best["score"]
        self.best.step, self.best.waited = best["step"], best["waited"]
        self.best.weights = _part(tensors, _BEST)
        self.meter = Meter([Learned(**one) for one in facts["since_report"]])
        self.history.restore(facts["training"], facts["validation"])
        _set_generators(_part(tensors, _RANDOM))


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}


def _generators() -> dict[str, Tensor]:
    """Dropout draws from these."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def _set_generators(states: Mapping[str, Tensor]) -> None:
    torch.set_rng_state(states["cpu"])
    if "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"])
