"""What the stage saw, counted per split: records, groups, characters, targets, attributes."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from clintune.examples import SPLITS, Record, Split
from clintune.tasks.admission import Admitted, Fault
from clintune.tasks.intakes import Intake, Tally

MOST_VALUES = 1000
"""An attribute with more values names no subgroups; counting them would fill the memory."""


@dataclass(slots=True)
class SplitCounts:
    """The counts of one split. `attributes` holds None for one with too many values."""

    targets: Tally
    seen: int = 0
    kept: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    characters: int = 0
    attributes: dict[str, Counter[str] | None] = field(default_factory=lambda: defaultdict(Counter))

    def keep(self, admitted: Admitted[Any]) -> None:
        """Count an example that is kept."""
        example = admitted.example
        self.kept += 1
        self.characters += len(example.text)
        self.targets.add(admitted)
        for name, value in example.attributes.items():
            values = self.attributes[name]
            if values is not None:
                values[value] += 1
                self.attributes[name] = values if len(values) <= MOST_VALUES else None


@dataclass(slots=True)
class Counts:
    """The counts of all splits, and of records that belong to none or are left out."""

    splits: Mapping[Split, SplitCounts]
    left_out: int = 0
    first_fault: str = ""

    @classmethod
    def of(cls, intake: Intake) -> Self:
        """Nothing yet."""
        return cls({split: SplitCounts(intake.tally()) for split in SPLITS})

    def add(self, record: Record[Any], split: Split, outcome: Admitted[Any] | Fault) -> None:
        """Count a record of `split`, kept or quarantined."""
        counts = self.splits[split]
        counts.seen += 1
        if isinstance(outcome, Fault):
            counts.quarantined[outcome.reason] += 1
            fault = " ".join(filter(None, (record.place, outcome.reason, outcome.detail)))
            self.first_fault = self.first_fault or fault
        else:
            counts.keep(outcome)

    @property
    def seen(self) -> int:
        """Records that belong to a split: seen = kept + quarantined."""
        return sum(counts.seen for counts in self.splits.values())

    @property
    def reasons(self) -> Counter[str]:
        """Quarantined records by reason."""
        return sum((counts.quarantined for counts in self.splits.values()), Counter[str]())

    def summary(self, groups: Mapping[Split, int]) -> dict[str, Any]:
        """As it stands in summary.json; `labels` are those of all splits, sorted."""
        quarantined = self.reasons
        return {
            "labels": sorted({label for counts in self.splits.values() for label in counts.targets.labels()}),
            "records": {
                "in": self.seen,
                "kept": sum(counts.kept for counts in self.splits.values()),
                "quarantined": quarantined.total(),
                "left_out": self.left_out,
            },
            "reasons": dict(quarantined),
            "splits": {split: _split_summary(self.splits[split], groups[split]) for split in SPLITS},
        }


def _split_summary(counts: SplitCounts, groups: int) -> dict[str, Any]:
    return {
        "in": counts.seen,
        "examples": counts.kept,
        "quarantined": dict(counts.quarantined),
        "groups": groups,
        "characters": counts.characters,
        **counts.targets.summary(),
        "attributes": {name: values and dict(values) for name, values in counts.attributes.items()},
    }
