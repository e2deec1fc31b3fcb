"""The label of a record: one cell, renamed."""

from dataclasses import dataclass
from typing import ClassVar

from clintune.errors import DataError
from clintune.examples import Cells, Label, Record
from clintune.tables import LABEL, TargetType
from clintune.tasks.admission import Admitted, Fault, LeftOut
from clintune.tasks.texts.cells import LabelTally, Names, renamed


@dataclass(frozen=True, slots=True)
class LabelIntake:
    """For classification: the table has one column with the label."""

    target: ClassVar[TargetType[Label]] = LABEL

    def admit(self, record: Record[Cells], labels: Names) -> Admitted[Label] | Fault | LeftOut:
        """The example with its label, without white space around it.

        Raises DataError where the table has several columns of targets.
        """
        if len(record.example.target) > 1:
            problem = f"names {len(record.example.target)} columns, and classification has one label"
            raise DataError(
                "params.yaml: preprocess.table.target", problem, "name one, or set task multilabel"
            )
        (cell,) = record.example.target.values()
        if not cell.strip():
            return Fault("missing_target", "")
        found = renamed([cell.strip()], labels)
        if isinstance(found, Fault):
            return found
        return LeftOut() if found[0] is None else Admitted(record.example.with_target(found[0]))

    def tally(self) -> LabelTally:
        """A fresh one."""
        return LabelTally()
