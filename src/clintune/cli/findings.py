"""What clintune check saw."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

Status: TypeAlias = Literal["ok", "finding", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check: what was seen, and what to do about it."""

    subject: str
    status: Status
    seen: str
    next_step: str = ""

    def __str__(self) -> str:
        word = {"ok": "ok", "finding": "FINDING", "unknown": "not checked"}[self.status]
        return f"{word:11}  {self.subject}: {self.seen}" + (f"; {self.next_step}" if self.next_step else "")

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return asdict(self)


def exit_code(findings: Sequence[Finding]) -> int:
    """1 with a finding, else 2 where something could not be checked, else 0."""
    seen = {finding.status for finding in findings}
    return 1 if "finding" in seen else 2 if "unknown" in seen else 0
