"""How training ended, in a word and with the numbers that it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from clintune.training.selection import LOSS

Word: TypeAlias = Literal[
    "converged", "plateaued", "still improving", "overfitting", "diverged", "too short to tell"
]
Row: TypeAlias = Mapping[str, float]

TOLERANCE = 0.01
"""A change of a score or a loss by less than this share of it is none."""

_FEWEST = 3
_PHRASES: Mapping[Word, str] = {
    "converged": "over the last third of the validations {metric} gained nothing, and the plan is at its end",
    "plateaued": "over the last third of the validations {metric} gained nothing, and patience ended",
    "still improving": "the last third of the validations still raised {metric}: more epochs may help",
    "overfitting": "from step {since:.0f} on the loss on train fell, and validation got worse",
    "diverged": "the loss on train ended above where it began: lower the learning rate",
    "too short to tell": "fewer than three validations",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`evidence` holds the numbers; `since` is the step from which on the model overfits."""

    word: Word
    metric: str
    since: float | None
    evidence: Mapping[str, float]

    def __str__(self) -> str:
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in self.evidence.items())
        return f"{self.word}: {_PHRASES[self.word].format(metric=self.metric, since=self.since)} ({numbers})"

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)


def judge(
    training: Sequence[Row], validation: Sequence[Row], metric: str, falling: bool, *, stopped: bool
) -> Verdict:
    """The verdict on two curves, of a metric that is better the higher, or the lower if it is `falling`.

    `stopped` says that patience ended training before the plan did.

    Only the order of the validations and differences of more than TOLERANCE count, in this order: diverged,
    too short to tell, overfitting, still improving, and else plateaued or converged.
    """
    first, last = training[0], training[-1]
    goods = [-row[metric] if falling else row[metric] for row in validation]
    best = max(range(len(goods)), key=lambda index: goods[index])
    lowest = min(range(len(validation)), key=lambda index: validation[index][LOSS])
    evidence = {
        "train loss, first": first["loss"], "train loss, last": last["loss"],
        f"{metric}, best": validation[best][metric], f"{metric}, last": validation[-1][metric],
        "validation loss, lowest": validation[lowest][LOSS], "validation loss, last": validation[-1][LOSS],
    }  # fmt: skip
    if last["loss"] > first["loss"] * (1 + TOLERANCE):
        return Verdict("diverged", metric, None, evidence)
    if len(validation) < _FEWEST:
        return Verdict("too short to tell", metric, None, evidence)
    turn = max(best, lowest)
    if _worse(goods, turn) and _rises(validation, turn) and _falls(training, validation[turn]["step"]):
        return Verdict("overfitting", metric, validation[turn]["step"], evidence)
    before = max(goods[: -max(1, len(goods) // 3)])
    if max(goods) - before > TOLERANCE * abs(before):
        return Verdict("still improving", metric, None, evidence)
    return Verdict("plateaued" if stopped else "converged", metric, None, evidence)


def _worse(goods: Sequence[float], turn: int) -> bool:
    """Whether no validation after the turn is as good as the best before."""
    after = goods[turn + 1 :]
    return bool(after) and max(after) <= max(goods[: turn + 1])


def _rises(validation: Sequence[Row], turn: int) -> bool:
    return validation[-1][LOSS] > validation[turn][LOSS] * (1 + TOLERANCE)


def _falls(training: Sequence[Row], step: float) -> bool:
    """Whether the loss on train fell from a step to the end."""
    before = [row["loss"] for row in training if row["step"] <= step]
    return bool(before) and training[-1]["loss"] < before[-1] * (1 - TOLERANCE)
