"""The intake of each task: whether a target is legal, and what the targets of a split amount to."""

from collections.abc import Mapping
from typing import Any, Protocol

from clintune.examples import Record
from clintune.tables import TargetType
from clintune.tasks.admission import Admitted, Outcome
from clintune.tasks.classification.intake import LabelIntake
from clintune.tasks.entities.intake import SpanIntake
from clintune.tasks.multilabel.intake import LabelsIntake
from clintune.tasks.regression.intake import ValueIntake


class Tally(Protocol):
    """Counts the targets of one split."""

    def add(self, admitted: Admitted[Any], /) -> None:
        """One example."""

    def labels(self) -> set[str]:
        """The labels, or targets, that the examples name."""

    def summary(self) -> dict[str, Any]:
        """As it stands in summary.json: numbers by name, or by name and label."""


class Intake(Protocol):
    """What preprocess asks of a record whose text is sound."""

    @property
    def target(self) -> TargetType[Any]:
        """How targets lie on disk."""

    def admit(self, record: Record[Any], labels: Mapping[str, str | None], /) -> Outcome:
        """The example that it gives, with renamed labels, or the first fault that keeps it from being one."""

    def tally(self) -> Tally:
        """A fresh one."""


INTAKES: Mapping[str, Intake] = {
    "entities": SpanIntake(),
    "classification": LabelIntake(),
    "multilabel": LabelsIntake(),
    "regression": ValueIntake(),
}
