"""Cells of a table as targets: what is shared by the tasks on whole texts."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clintune.tasks.admission import Admitted, Fault

REASONS: Mapping[str, str] = {
    "missing_target": "the cell of the target is empty",
    "unknown_label": "preprocess.labels renames, and does not name this label",
}
"""Why a record is quarantined."""

Names = Mapping[str, str | None]


def renamed(names: Iterable[str], labels: Names) -> list[str | None] | Fault:
    """The model's names for those of the corpus, None for one that is left out."""
    found: list[str | None] = []
    for name in names:
        if labels and name not in labels:
            return Fault("unknown_label", name[:60])
        found.append(labels.get(name, name))
    return found


@dataclass(slots=True)
class LabelTally:
    """How many examples carry each label. A target of several labels counts in each of them."""

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, admitted: Admitted[Any]) -> None:
        """One example with a label, or with several."""
        target = admitted.example.target
        self.counts.update([target] if isinstance(target, str) else target)

    def labels(self) -> set[str]:
        """All that any example carries."""
        return set(self.counts)

    def summary(self) -> dict[str, Any]:
        """As it stands in summary.json."""
        return {"labels": dict(self.counts)}
