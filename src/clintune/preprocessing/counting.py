"""What the stage saw, counted: records, groups, characters, spans per label, attributes per split."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clintune.examples import SPLITS, Record, Spans, Split
from clintune.preprocessing.checking import Checked, Fault

MOST_VALUES = 1000
"""An attribute with more values names no subgroups; counting them would fill the memory."""


@dataclass(slots=True)
class SplitCounts:
    """The counts of one split. `attributes` holds None for one with too many values."""

    seen: int = 0
    kept: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    characters: int = 0
    spans: Counter[str] = field(default_factory=Counter)
    discontinuous: int = 0
    spans_left_out: int = 0
    spans_repeated: int = 0
    attributes: dict[str, Counter[str] | None] = field(default_factory=lambda: defaultdict(Counter))

    def keep(self, checked: Checked) -> None:
        """Count an example that is kept."""
        example = checked.example
        self.kept += 1
        self.characters += len(example.text)
        self.spans.update(span.label for span in example.target)
        self.discontinuous += sum(bool(span.gaps) for span in example.target)
        self.spans_left_out += checked.left_out
        self.spans_repeated += checked.repeated
        for name, value in example.attributes.items():
            values = self.attributes[name]
            if values is not None:
                values[value] += 1
                self.attributes[name] = values if len(values) <= MOST_VALUES else None


@dataclass(slots=True)
class Counts:
    """The counts of all splits, and of records in files that belong to none."""

    splits: Mapping[Split, SplitCounts] = field(
        default_factory=lambda: {split: SplitCounts() for split in SPLITS}
    )
    left_out: int = 0
    first_fault: str = ""

    def add(self, record: Record[Spans], split: Split, outcome: Checked | Fault) -> None:
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
            "labels": sorted({label for counts in self.splits.values() for label in counts.spans}),
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
        "spans": dict(counts.spans),
        "discontinuous": counts.discontinuous,
        "spans_left_out": counts.spans_left_out,
        "spans_repeated": counts.spans_repeated,
        "attributes": {name: values and dict(values) for name, values in counts.attributes.items()},
    }
