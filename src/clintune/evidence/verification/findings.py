"""What verification finds: one place where something is not as it was sealed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """`field` of `place` was `sealed` and is `found`; either is empty where there was, or is, nothing."""

    kind: str
    place: str
    field: str
    sealed: str
    found: str


def as_findings(said: Iterable[Mapping[str, str]]) -> list[Finding]:
    """Those of the verifier, which knows no types of this project."""
    return [Finding(**one) for one in said]
