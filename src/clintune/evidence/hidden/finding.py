"""What a trace came to: findings, and what could not be looked at."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["file", "variable", "network", "output"]


@dataclass(frozen=True, slots=True, order=True)
class Hidden:
    """Something that a stage used and dvc.yaml does not declare. `what`: path, name or address."""

    stage: str
    kind: Kind
    what: str
    seen: str
    next_step: str

    def __str__(self) -> str:
        return f"FINDING      {self.stage}: {self.kind} {self.what}: {self.seen}; {self.next_step}"


@dataclass(frozen=True, slots=True)
class Traced:
    """Of one stage, or of all of them in the order of the pipeline."""

    stages: tuple[str, ...]
    findings: tuple[Hidden, ...]
    not_checked: tuple[str, ...]
    allowed: tuple[str, ...]

    @classmethod
    def joined(cls, parts: "list[Traced]") -> "Traced":
        """What is said of several stages in the same words is said once."""
        return cls(
            tuple(one for part in parts for one in part.stages),
            tuple(one for part in parts for one in part.findings),
            tuple(dict.fromkeys(one for part in parts for one in part.not_checked)),
            tuple(dict.fromkeys(one for part in parts for one in part.allowed)),
        )

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a person."""
        said = [str(one) for one in self.findings]
        said += [f"not checked  {one}" for one in self.not_checked]
        said += [f"ok           {one}" for one in self.allowed]
        found = {one.stage for one in self.findings}
        clean = [stage for stage in self.stages if stage not in found]
        if clean:
            said.append(f"ok           {', '.join(clean)}: nothing that dvc.yaml does not declare")
        return said
