"""What people have declared: read from files that they wrote, checked for form, never filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    RootModel,
    ValidationError,
    field_validator,
    model_validator,
)

from clintune.errors import UserError
from clintune.evidence.checklist.asks import KEYS
from clintune.evidence.documents.questions import QUESTIONS
from clintune.files import sha256
from clintune.params_base import Section
from clintune.params_faults import explain, parse_yaml

DECLARATIONS = "declarations.yaml"
ACCEPTANCE = "acceptance.yaml"

_OF_DOCUMENTS = ("users", "limits", *(key for part in QUESTIONS.values() for key in part))
KNOWN = tuple(dict.fromkeys([*KEYS, *_OF_DOCUMENTS]))
"""What declarations.yaml may say: what the checklist and the documents ask."""


def _that_has_come(day: date) -> date:
    """What is declared for later would never be stale. Somewhere a day begins 14 hours before UTC's."""
    if day > datetime.now(timezone(timedelta(hours=14))).date():
        raise ValueError(f"{day} has not come yet")
    return day


Said = Annotated[str, Field(min_length=1, pattern=r"\S")]
Day = Annotated[date, AfterValidator(_that_has_come)]
End = Annotated[float | None, Field(allow_inf_nan=False)]
Schema = TypeVar("Schema", bound=BaseModel)


class Declaration(Section):
    """`statement` was made by a person on a day."""

    statement: Said
    by: Said
    date: Day

    def __str__(self) -> str:
        return f"{self.statement.strip()} ({self.by}, {self.date})"


class Declarations(RootModel[dict[str, Declaration]]):
    """By the key of an item."""

    @field_validator("root")
    @classmethod
    def _known(cls, found: dict[str, Declaration]) -> dict[str, Declaration]:
        unknown = sorted(found.keys() - set(KNOWN))
        if unknown:
            raise ValueError(f"{unknown[0]!r} is none of {', '.join(KNOWN)}")
        return found


class Bound(Section):
    """Where a score has to lie, ends included. At least one end is there."""

    at_least: End = None
    at_most: End = None

    @model_validator(mode="after")
    def _some_end(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("a bound needs at_least, at_most, or both")
        return self

    def __str__(self) -> str:
        ends = {"at least": self.at_least, "at most": self.at_most}
        return ", ".join(f"{word} {end:g}" for word, end in ends.items() if end is not None)

    def holds(self, value: float) -> bool:
        """Whether a score lies there."""
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )


class Acceptance(Section):
    """Bounds by the name of a number in metrics.json, its keys joined by dots: strict.f1."""

    metrics: Annotated[Mapping[str, Bound], Field(min_length=1)]


def read_declarations(root: Path) -> dict[str, Declaration]:
    """By key; none where there is no file. Raises UserError with the line that is wrong."""
    found = _read(root / DECLARATIONS, Declarations)
    return {} if found is None else found.root


@dataclass(frozen=True, slots=True)
class Words:
    """What the documents quote of declarations.yaml, and its SHA-256; both empty where there is no file."""

    said: Mapping[str, Declaration]
    sha256: str

    @classmethod
    def of(cls, root: Path) -> "Words":
        """Raises UserError with the line that is wrong."""
        file = root / DECLARATIONS
        return cls(read_declarations(root), sha256(file) if file.exists() else "")

    def declared(self, key: str) -> str | None:
        """What a person says under a key, with name and day; None where nobody says anything."""
        return str(self.said[key]) if key in self.said else None


def read_acceptance(root: Path) -> Acceptance | None:
    """None where there is no file. Raises UserError with the line that is wrong."""
    return _read(root / ACCEPTANCE, Acceptance)


def _read(path: Path, schema: type[Schema]) -> Schema | None:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (UnicodeDecodeError, OSError) as error:
        raise UserError(
            path.name, f"cannot be read as UTF-8 text ({type(error).__name__})", "restore it"
        ) from None
    name = Path(path.name)
    tree: Any = parse_yaml(name, text)
    try:
        return schema.model_validate({} if tree is None else tree)
    except ValidationError as error:
        raise explain(name, text, error, schema) from None
