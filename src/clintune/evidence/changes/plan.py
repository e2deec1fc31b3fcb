"""pccp.yaml: the predetermined change control plan. What may change, how far, and what must hold then."""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from clintune.errors import UserError
from clintune.params_base import Count, Fraction, Name, NotNegative, Section
from clintune.params_faults import explain, parse_yaml

FILE = "pccp.yaml"

_Number = Annotated[float, Field(allow_inf_nan=False)]
_Names = Annotated[tuple[Name, ...], Field(strict=False)]
_Number_of_files = Annotated[int, Field(ge=0)]
_Choice = str | bool | int | float | None


class Allowed(Section):
    """Values that a param may take: those between two numbers, both included, or some by name."""

    minimum: _Number | None = None
    maximum: _Number | None = None
    choices: Annotated[tuple[_Choice, ...], Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        ends = (self.minimum, self.maximum)
        if (self.choices is None) == (ends == (None, None)):
            raise ValueError("give either choices, or minimum and maximum, or one of these")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("minimum is above maximum")
        return self

    def has(self, value: Any) -> bool:
        """Whether a value is one of them. True is no number, and 1 is not true."""
        if self.choices is not None:
            return any(
                value == one and isinstance(value, bool) == isinstance(one, bool) for one in self.choices
            )
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )


class Files(Section):
    """At most so many raw files."""

    added: _Number_of_files = 0
    removed: _Number_of_files = 0
    changed: _Number_of_files = 0


class Data(Section):
    """Raw files that may change; splits whose examples may; the largest share of quarantined records."""

    files: Files | None = None
    splits: _Names = ()
    quarantined: Fraction | None = None


class Bounds(Section):
    """What a score must keep to after a change: on its own, and beside what it was."""

    minimum: _Number | None = None
    maximum: _Number | None = None
    maximum_drop: NotNegative | None = None
    maximum_rise: NotNegative | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("give minimum, maximum, maximum_drop or maximum_rise")
        return self


class Plan(Section):
    """What pccp.yaml says. Names of packages, scores and files may hold * and ?, which go across folders."""

    version: Count
    params: dict[Name, Allowed] = Field(default_factory=dict)
    data: Data | None = None
    code: _Names = ()
    packages: dict[Name, _Names] = Field(default_factory=dict)
    numeric_class: _Names = ()
    scores: dict[Name, Bounds] = Field(default_factory=dict)

    def covers_code(self, path: str) -> bool:
        """Whether a file of code may change."""
        return any(fnmatchcase(path, pattern) for pattern in self.code)

    def versions(self, package: str) -> tuple[str, ...]:
        """Patterns of the versions that a package may have; none where the plan does not name it."""
        return tuple(
            version for name, versions in self.packages.items() if fnmatchcase(package, name)
            for version in versions
        )  # fmt: skip


def parse_plan(text: bytes, *, place: str) -> Plan:
    """Read and check a plan. Raises ParamsError with the line, the key, what was found and what is due."""
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(place, "cannot be read as UTF-8 text", "restore it with git checkout") from None
    tree = parse_yaml(Path(place), decoded)
    try:
        return Plan.model_validate(tree)
    except ValidationError as error:
        raise explain(Path(place), decoded, error, Plan) from None
