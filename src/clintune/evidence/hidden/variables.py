"""Which environment variables change what a stage makes: all varied together, then parted if it differs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Outcome: TypeAlias = Mapping[str, str] | int
"""SHA-256 by output file, or the code with which the stage stopped."""
Change: TypeAlias = tuple[str, str | None]
"""A variable and what it is set to; None takes it away."""
Outcomes: TypeAlias = Callable[[Mapping[str, str | None]], Outcome]
"""Runs the stage with these changes."""

KNOWN = {
    "TZ": "Pacific/Kiritimati", "LANG": "C", "LC_ALL": "C", "LC_CTYPE": "C", "LANGUAGE": "tr",
    "COLUMNS": "41", "PYTHONHASHSEED": "7", "USER": "varied", "LOGNAME": "varied",
    "HOSTNAME": "varied",
    "SOURCE_DATE_EPOCH": "1", "OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3",
    "RAYON_NUM_THREADS": "3", "TOKENIZERS_PARALLELISM": "true", "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "COMPATIBLE", "CLINTUNE_CHECKPOINT_SECONDS": "1",
    "CLINTUNE_THREADS": "1",
    "CLINTUNE_EXPERIMENT": "varied", "DVC_EXP_NAME": "varied", "DVC_EXP_BASELINE_REV": "varied",
    "OMP_WAIT_POLICY": "ACTIVE",
}  # fmt: skip
"""What libraries, native code and clintune itself are known to look at, with another value."""
LEFT_ALONE = {
    "PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "HOME", "TMPDIR",
    "PWD", "OLDPWD", "SHLVL", "_", "HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "CUDA_VISIBLE_DEVICES",
    "CLINTUNE_DEVICE", "MLFLOW_TRACKING_URI", "DVC_STAGE", "DVC_ROOT",
}  # fmt: skip
"""They say where programs and caches are, on which device to compute, where to record: without them
nothing runs. What is read through one is found as a file."""
_PLAIN, _MOST, _WITH = ("1", "2"), 5, " with "


@dataclass(frozen=True, slots=True)
class Influence:
    """A variable that changes an output: by which value, and which file first, or the code it stops with."""

    name: str
    value: str | None
    outcome: Outcome

    @property
    def decides(self) -> bool:
        """A made-up value may be none that the stage can use: to stop is no other output."""
        return not isinstance(self.outcome, int) or self.value is None

    def seen(self, before: Mapping[str, str]) -> str:
        """In words; no value of the user's own stands in them."""
        how = "without it" if self.value is None else f"with {self.name}={self.value}"
        if isinstance(self.outcome, int):
            return f"{how} the stage stops with {self.outcome}"
        names = sorted(before.keys() | self.outcome.keys())
        changed = [name for name in names if before.get(name) != self.outcome.get(name)]
        return f"{how} {changed[0]} has other bytes"


def candidates(
    read: Mapping[str, Sequence[str] | None], present: Mapping[str, str]
) -> dict[str, list[str | None]]:
    """What each variable is set to, round by round: what the project's code reads, is known, or is set.

    Those of the code come first. One that is set is taken away first. `read` names the words
    that stand beside a reading.
    """
    own = [name for name, words in read.items() if words is not None]
    found: dict[str, list[str | None]] = {}
    for name in sorted({*own, *KNOWN, *present} - LEFT_ALONE, key=lambda name: (name not in own, name)):
        values: list[str | None] = [None] if name in present else []
        if name in KNOWN:
            values.append(KNOWN[name])
        elif name in own:
            values += [_other(present[name])] if name in present else []
            values += [*_PLAIN, *(word for word in read[name] or () if word not in _PLAIN)]
        found[name] = [value for value in values if value is None or value != present.get(name)][:_MOST]
    return found


def _other(value: str) -> str:
    """Another number in place of a number."""
    try:
        return str(int(value) + 1)
    except ValueError:
        pass
    try:
        return str(float(value) + 1)
    except ValueError:
        return f"{value}x"


def influences(
    values: Mapping[str, Sequence[str | None]], outcome: Outcomes, before: Mapping[str, str]
) -> Iterator[Influence]:
    """Those that change an output, or with a value of which the stage stops."""
    told = set[str]()
    for turn in range(max(map(len, values.values()), default=0)):
        changes = [(name, of[turn]) for name, of in values.items() if turn < len(of) and name not in told]
        if outcome(dict(changes)) == before:
            continue
        for found in _parted(changes, outcome, before):
            if found.decides:
                told.update(found.name.split(_WITH))
            yield found


def _parted(changes: Sequence[Change], outcome: Outcomes, before: Mapping[str, str]) -> Iterator[Influence]:
    """Halve what is known to change an output until one is left.

    Where the first half changes nothing the second half does, or both do together only: then the last one
    that is left does not either, and those without which nothing changes are named together.
    """
    left = list(changes)
    while len(left) > 1:
        half, rest = left[: len(left) // 2], left[len(left) // 2 :]
        if outcome(dict(half)) == before:
            left = rest
            continue
        yield from _parted(half, outcome, before)
        if outcome(dict(rest)) == before:
            return
        left = rest
    now = outcome(dict(left))
    if now != before:
        [(name, value)] = left
        yield Influence(name, value, now)
    elif len(changes) > 1:
        joint = _joint(changes, outcome, before)
        names = _WITH.join(name for name, _ in joint)
        yield Influence(names, joint[0][1], outcome(dict(joint)))


def _joint(changes: Sequence[Change], outcome: Outcomes, before: Mapping[str, str]) -> list[Change]:
    """As few as change it together: each is left out in turn, and stays out where it is not needed."""
    kept = list(changes)
    for one in changes:
        fewer = [other for other in kept if other != one]
        if fewer and outcome(dict(fewer)) != before:
            kept = fewer
    return kept
