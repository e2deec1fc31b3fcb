"""What the checklist is made of: a verdict on each item, and the hashed files that its numbers come from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from clintune.evidence.checklist.asks import Ask, Topic
from clintune.evidence.declared import Declaration

Verdict: TypeAlias = Literal["PASS", "FAIL", "DECLARED", "MISSING", "N-A"]
VERDICTS: tuple[Verdict, ...] = ("PASS", "FAIL", "DECLARED", "MISSING", "N-A")


@dataclass(frozen=True, slots=True)
class Evidence:
    """`what` is `value`, as `place` says, which has this SHA-256; empty where the place has no one hash."""

    what: str
    value: str
    place: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the records alone say of an item, and why."""

    verdict: Verdict
    reason: str
    evidence: tuple[Evidence, ...] = ()


def ruling(wrong: Sequence[str], held: str, evidence: Sequence[Evidence]) -> Ruling:
    """FAIL where something is wrong, which it names; else PASS, for what holds."""
    return Ruling("FAIL" if wrong else "PASS", "; ".join(wrong) or held, tuple(evidence))


def number(value: float) -> str:
    """A whole number as it is, another with three decimals."""
    return f"{value:,}" if value == int(value) and not 0 <= value <= 1 else f"{value:.3f}"


class Unknown(Exception):  # noqa: N818
    """What an item needs to know is not to be known here: it is MISSING, for this reason."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item with its verdict. `declared` is what a person has said of it, stale or not."""

    ask: Ask
    verdict: Verdict
    reason: str
    evidence: tuple[Evidence, ...]
    declared: Declaration | None

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        declared = None if self.declared is None else self.declared.model_dump(mode="json")
        return {
            **asdict(self.ask), "verdict": self.verdict, "reason": self.reason,
            "evidence": [asdict(one) for one in self.evidence], "declared": declared,
        }  # fmt: skip

    def __str__(self) -> str:
        return f"{self.verdict:8}  {self.ask.number:2}  {self.ask.title}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Checklist:
    """All items, in order."""

    items: Sequence[Item]

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many items have each verdict."""
        found = Counter(item.verdict for item in self.items)
        return {verdict: found[verdict] for verdict in VERDICTS}

    @property
    def evidenced(self) -> int:
        """How many items rest on evidence that a machine computed."""
        return sum(bool(item.evidence) for item in self.items)

    def by_topic(self) -> dict[Topic, list[Item]]:
        """The items of each topic, in order."""
        topics: dict[Topic, list[Item]] = {}
        for item in self.items:
            topics.setdefault(item.ask.topic, []).append(item)
        return topics

    def as_json(self) -> dict[str, Any]:
        """For a program to read, and for the pack."""
        return {
            "counts": self.counts,
            "machine_evidence": self.evidenced,
            "items": [item.as_json() for item in self.items],
        }

    def lines(self) -> list[str]:
        """For a person."""
        lines = []
        for topic, items in self.by_topic().items():
            lines += [topic, *(f"  {item}" for item in items)]
        return [*lines, self.sentence]

    @property
    def sentence(self) -> str:
        """The counts."""
        said = ", ".join(f"{count} {verdict}" for verdict, count in self.counts.items())
        return f"{len(self.items)} items: {said}; {self.evidenced} with machine evidence."
