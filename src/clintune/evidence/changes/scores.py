"""The scores of two states side by side, with the intervals that were made with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clintune.evidence.changes.kept import Kept
from clintune.evidence.changes.states import State
from clintune.evidence.verification.verifier import parsed
from clintune.params import leaves

METRICS = "data/evaluation/metrics.json"

_ENDS = ("_low", "_high")
_COUNTS = frozenset({"correct", "predicted", "gold", "documents", "groups"})
_PARTS = ("label/", "target/")
_OTHER_PARTS = ("subgroup/", "baseline/", "ceiling/", "confidence/", "errors/", "inexpressible/")


@dataclass(frozen=True, slots=True)
class Score:
    """A number of the evaluation, None where it had none; of intervals the lower and the upper end."""

    name: str
    headline: bool
    was: float | None
    now: float | None
    was_within: tuple[float, float] | None
    now_within: tuple[float, float] | None


def scores(a: State, b: State, kept: Kept) -> list[Score]:
    """Those that models are compared by, then those of each label or target."""
    one, other = _numbers(a, b, kept)
    heads = {
        name for side in (a, b) if (record := side.record("evaluate")) is not None
        for name in record["reported"]["headline"]
    }  # fmt: skip
    names = [name for name in {**one, **other} if _is_score(name)]
    overall = [
        name for name in names
        if (name in heads if heads else not name.startswith((*_PARTS, *_OTHER_PARTS)))
    ]  # fmt: skip
    parts = sorted(name for name in names if name.startswith(_PARTS))
    return [
        Score(name, name in overall, one.get(name), other.get(name), _within(one, name), _within(other, name))
        for name in [*sorted(overall), *parts]
    ]


def _is_score(name: str) -> bool:
    return not name.endswith(_ENDS) and name.rpartition("/")[2] not in _COUNTS


def _within(numbers: Mapping[str, float], name: str) -> tuple[float, float] | None:
    low, high = (f"{name}{end}" for end in _ENDS)
    return (numbers[low], numbers[high]) if low in numbers and high in numbers else None


def _numbers(a: State, b: State, kept: Kept) -> tuple[dict[str, float], dict[str, float]]:
    """As both runs reported them; where one is not sealed, as metrics.json of both has them."""
    records = [side.record("evaluate") for side in (a, b)]
    if all(record is not None for record in records):
        one, other = (_reported(record) for record in records if record is not None)
    else:
        one, other = (_written(kept.find(side, METRICS)) for side in (a, b))
    return one, other


def _reported(record: Mapping[str, Any]) -> dict[str, float]:
    return {name: points[-1][1] for name, points in record["reported"]["metrics"].items()}


def _written(content: bytes | None) -> dict[str, float]:
    """Of what is no JSON object, or holds NaN, which keeps to any bound: nothing."""
    return {
        key.replace(".", "/"): value
        for key, value in leaves(parsed(content or b""))
        if isinstance(value, int | float)
    }
