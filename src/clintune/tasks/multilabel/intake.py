"""The labels of a record: one column of 0 and 1 per label, or one column that lists them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from clintune.examples import Cells, Labels, Record
from clintune.tables import LABELS, TargetType
from clintune.tasks.admission import Admitted, Fault
from clintune.tasks.texts.cells import LabelTally, Names, renamed

REASONS: Mapping[str, str] = {
    "not_binary": "the cell of a label is neither 0 nor 1",
    "not_listed": "the only target column is to list labels, and holds 0 or 1",
}
"""Why a record is quarantined, besides those of every table."""

SEPARATOR = ";"
"""Between the labels of a column that lists them."""

_HOLDS = {"0": False, "1": True}


@dataclass(frozen=True, slots=True)
class LabelsIntake:
    """For multi-label classification. An empty list is a target too: no label holds."""

    target: ClassVar[TargetType[Labels]] = LABELS

    def admit(self, record: Record[Cells], labels: Names) -> Admitted[Labels] | Fault:
        """The example with its labels in ascending order, each once."""
        named = _named(record.example.target)
        found = renamed(named, labels) if not isinstance(named, Fault) else named
        if isinstance(found, Fault):
            return found
        kept = [label for label in found if label is not None]
        target = tuple(sorted(set(kept)))
        return Admitted(record.example.with_target(target), len(found) - len(kept), len(kept) - len(target))

    def tally(self) -> LabelTally:
        """A fresh one."""
        return LabelTally()


def _named(cells: Cells) -> list[str] | Fault:
    if len(cells) == 1:
        ((name, listed),) = cells.items()
        if listed.strip() in _HOLDS:  # would be a label that is called so
            return Fault("not_listed", name[:60])
        return [label.strip() for label in listed.split(SEPARATOR) if label.strip()]
    for name, cell in cells.items():
        if cell.strip() not in _HOLDS:
            return Fault("not_binary" if cell.strip() else "missing_target", name[:60])
    return [name for name, cell in cells.items() if _HOLDS[cell.strip()]]
