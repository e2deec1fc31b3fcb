"""What verification finds: one place where something is not as it was sealed."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["ledger", "record", "lock", "output", "input", "cache", "param", "run", "trail"]

_SHOWN = 64


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """`field` of `place` was `sealed` and is `found`; either is empty where there was, or is, nothing."""

    kind: Kind
    place: str
    field: str
    sealed: str
    found: str

    def __str__(self) -> str:
        sealed, found = (_short(text) or "nothing" for text in (self.sealed, self.found))
        where = f"{self.place}: {self.field}" if self.field else self.place
        return f"{self.kind:6}  {where}: sealed {sealed}, found {found}"

    def as_json(self) -> dict[str, str]:
        """For a program to read."""
        return asdict(self)


def differences(
    kind: Kind, place: str, field: str, sealed: Mapping[str, Any], found: Mapping[str, Any]
) -> Iterator[Finding]:
    """One finding per key that is not the same on both sides."""
    for key in sorted(sealed.keys() | found.keys()):
        before, after = sealed.get(key), found.get(key)
        if before != after:
            yield Finding(kind, place, f"{field} {key}".strip(), _text(before), _text(after))


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
