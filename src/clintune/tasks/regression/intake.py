"""The numbers of a record: one column each. An empty cell is a value that is not known."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from clintune.examples import Cells, Record, Values
from clintune.tables import VALUES, TargetType
from clintune.tasks.admission import Admitted, Fault, LeftOut
from clintune.tasks.texts.cells import Names, renamed

REASONS: Mapping[str, str] = {
    "not_a_number": "the cell of a target is no number",
    "not_finite": "the cell of a target is infinite or not a number (nan)",
}
"""Why a record is quarantined, besides those of every table."""


@dataclass(slots=True)
class ValueTally:
    """How many values of each target are known, and between which they lie."""

    known: Counter[str] = field(default_factory=Counter)
    lowest: dict[str, float] = field(default_factory=dict)
    highest: dict[str, float] = field(default_factory=dict)

    def add(self, admitted: Admitted[Values]) -> None:
        """One example."""
        for name, value in zip(admitted.names, admitted.example.target, strict=True):
            self.known[name] += value is not None
            if value is not None:
                self.lowest[name] = min(self.lowest.get(name, value), value)
                self.highest[name] = max(self.highest.get(name, value), value)

    def labels(self) -> set[str]:
        """The names of the targets."""
        return set(self.known)

    def summary(self) -> dict[str, Any]:
        """As it stands in summary.json."""
        return {"values": dict(self.known), "lowest": self.lowest, "highest": self.highest}


@dataclass(frozen=True, slots=True)
class ValueIntake:
    """For regression: the table has one column per target, and each row a value in one of them at least."""

    target: ClassVar[TargetType[Values]] = VALUES

    def admit(self, record: Record[Cells], labels: Names) -> Admitted[Values] | Fault | LeftOut:
        """The example with its values in ascending order of their names."""
        cells = record.example.target
        names = renamed(cells, labels)
        if isinstance(names, Fault):
            return names
        values: dict[str, float | None] = {}
        for name, (column, cell) in zip(names, cells.items(), strict=True):
            value = _value(cell)
            if isinstance(value, str):
                return Fault(value, column[:60])
            if name is not None:
                values[name] = value
        if not values:
            return LeftOut()
        if all(value is None for value in values.values()):
            return Fault("missing_target", "")
        order = tuple(sorted(values))
        example = record.example.with_target(tuple(values[name] for name in order))
        return Admitted(example, len(cells) - len(values), 0, order)

    def tally(self) -> ValueTally:
        """A fresh one."""
        return ValueTally()


def _value(cell: str) -> float | str | None:
    """The number in a cell, None for an empty one, or the reason why it has none."""
    if not cell.strip():
        return None
    try:
        value = float(cell.replace("_", "?"))  # Python takes 1_000; nobody else does
    except ValueError:
        return "not_a_number"
    return value if math.isfinite(value) else "not_finite"
