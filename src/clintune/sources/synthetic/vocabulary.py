"""vocabulary.yaml as types: the shape of the file, and where in it a fault lies."""

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self, TypeAlias

from pydantic import AfterValidator, Field, PlainValidator, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from clintune.errors import SourceError
from clintune.params_base import Name, Names, Section
from clintune.sources.synthetic.template import Template, Text, Use, parse
from clintune.yaml_lines import line_of

YEARS, OLDEST = (1900, 2100), 130
DATE_PARTS = ("d", "dd", "m", "mm", "mon", "month", "yy", "yyyy")
MOST = 1000
"""No weight, draw or number of days is above it: what goes on for ever must be a slip of the pen."""
EVERYBODY = ""
"""The only variant of a rule that does not ask for an attribute."""


DateFormat: TypeAlias = tuple[Text | Use, ...]
"""Text, and parts of a date by their names in DATE_PARTS."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Templates to choose from, each with its weight."""

    templates: tuple[Template, ...]
    weights: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A choice for each value of one attribute, or one choice for EVERYBODY."""

    variants: Mapping[str, Choice]


@dataclass(frozen=True, slots=True)
class Range:
    """Whole numbers from `low` to `high`, both included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Fact:
    """What is drawn once and remembered: so many different values of a template."""

    draw: Range
    of: Template


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, str):
        raise ValueError("not a text; put quotes around it")
    texts = tuple(text.strip() for text in re.split(r"(?<=\s)\|(?=\s)", f" {value} "))
    if not all(texts):
        raise ValueError("an alternative is empty; remove the bar beside it")
    return texts


def _choice(value: Any) -> Choice:
    templates: list[Template] = []
    weights: list[int] = []
    for number, item in enumerate(value if isinstance(value, list) else [value], start=1):
        weight, text = item if isinstance(item, list) and len(item) == 2 else (1, item)
        try:
            if type(weight) is not int or not 1 <= weight <= MOST:
                raise ValueError(f"the weight is not a whole number from 1 to {MOST}; write [2, text]")
            found = [parse(one) for one in _texts(text)]
        except ValueError as error:
            raise ValueError(f"item {number}: {error}") from None
        templates += found
        weights += [weight] * len(found)
    if not templates:
        raise ValueError("no alternatives; give at least one text")
    return Choice(tuple(templates), tuple(weights))


def _rule(value: Any) -> Rule:
    if not isinstance(value, dict):
        return Rule({EVERYBODY: _choice(value)})
    variants: dict[str, Choice] = {}
    for name, body in value.items():
        try:
            variants[str(name)] = _choice(body)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return Rule(variants)


def _range(value: Any) -> Range:
    found = re.fullmatch(r"(\d+)\.\.(\d+)", str(value))
    if found is None or int(found[1]) > int(found[2]):
        raise ValueError("not a range; write it like 2..4, the smaller number first")
    return Range(int(found[1]), int(found[2]))


def _fact(value: Any) -> Fact:
    if not isinstance(value, dict):
        value = {"draw": "1..1", "of": value}
    if set(value) != {"draw", "of"} or not isinstance(value["of"], str):
        raise ValueError("not a fact; give one template, or {draw: 2..4, of: template}")
    draw = _range(value["draw"])
    if not 1 <= draw.low <= draw.high <= MOST:
        raise ValueError(f"draw is not from 1 to {MOST}; a fact needs at least one value")
    if len(_texts(value["of"])) > 1:
        raise ValueError("alternatives in a fact; make them a rule in phrases and name that here")
    return Fact(draw, parse(value["of"]))


def _band(value: Any) -> str:
    if _range(str(value).replace("-", "..")).high > OLDEST:
        raise ValueError(f"nobody is older than {OLDEST}; mend the band")
    return str(value)


def _folded(synonyms: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """A mention may begin a sentence: names are looked up in small letters."""
    return {name.lower(): others for name, others in synonyms.items()}


def _formats(value: Any) -> tuple[DateFormat, ...]:
    """Dates are written with a template, too: its slots are parts of a date."""
    formats: list[DateFormat] = []
    for number, template in enumerate(map(parse, _texts(value)), start=1):
        date_format = tuple(
            part
            for part in template
            if isinstance(part, Text) or (isinstance(part, Use) and part.rule in DATE_PARTS)
        )
        if date_format != template:
            raise ValueError(f"format {number}: a slot is no part of a date; use {', '.join(DATE_PARTS)}")
        formats.append(date_format)
    return tuple(formats)


Texts = Annotated[tuple[str, ...], PlainValidator(_texts)]
Band = Annotated[str, PlainValidator(_band)]
Weight = Annotated[int, Field(ge=1, le=MOST)]
Rules = Mapping[Name, Annotated[Rule, PlainValidator(_rule)]]
Facts = Mapping[Name, Annotated[Fact, PlainValidator(_fact)]]


class Calendar(Section):
    """When notes are written: `first` to `last` for a patient's first one, `gap` days between two."""

    first: datetime.date
    last: datetime.date
    gap: Annotated[Range, PlainValidator(_range)]
    months: Texts
    formats: Annotated[tuple[DateFormat, ...], PlainValidator(_formats)]

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.last < self.first:
            raise ValueError("last lies before first; exchange them")
        if self.first.year < YEARS[0] or self.last.year > YEARS[1]:
            raise ValueError(f"first or last is not from {YEARS[0]} to {YEARS[1]}; mend it")
        if self.gap.high > MOST:
            raise ValueError(f"the gap is above {MOST} days; shorten it")
        if len(self.months) != 12:
            raise ValueError(f"{len(self.months)} months; give 12, with bars between them")
        return self


class Attributes(Section):
    """What subgroups are made of: each value with its weight. Bands are ages in years, both ends included."""

    sex: Annotated[Mapping[Name, Weight], Field(min_length=1)]
    site: Annotated[Mapping[Name, Weight], Field(min_length=1)]
    age_band: Annotated[Mapping[Band, Weight], Field(min_length=1)]


class Vocabulary(Section):
    """The whole of vocabulary.yaml. The file's own header says what each part is for."""

    labels: Names
    identifiers: Names
    attributes: Attributes
    calendar: Calendar
    facts: Mapping[Name, Facts]
    phrases: Rules
    sentences: Rules
    notes: Rules
    courses: Annotated[tuple[Names, ...], Field(strict=False, min_length=1)]
    synonyms: Annotated[Mapping[Name, Texts], AfterValidator(_folded)]

    def rule(self, name: str) -> Rule:
        """The phrase or the sentence called `name`."""
        return self.phrases[name] if name in self.phrases else self.sentences[name]


def read_vocabulary(path: Path) -> tuple[Vocabulary, str]:
    """The file's shape, checked, and its text. Raises SourceError with the line and the key."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        problem = f"cannot be read ({type(error).__name__})"
        raise SourceError(str(path), problem, "let ingest.path in params.yaml name a vocabulary") from None
    except UnicodeDecodeError as error:
        raise SourceError(str(path), f"byte {error.start} is not UTF-8", "save it as UTF-8") from None
    tree = _tree(path, text)
    try:
        return Vocabulary.model_validate(tree), text
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        keys = tuple(key for key in first["loc"] if key != "[key]")
        problem = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"]
        raise SourceError(place(path, text, keys), *_problem_and_step(problem)) from None


def place(path: Path, text: str, keys: Sequence[int | str]) -> str:
    """`file:line: key.key` of the deepest of `keys` that the file has."""
    return f"{path}:{line_of(text, keys)}: {'.'.join(map(str, keys)) or 'the whole file'}"


def _tree(path: Path, text: str) -> Any:
    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = f"not YAML: {error.problem or error.context}"
        raise SourceError(f"{path}:{line}", problem, "mend this line") from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise SourceError(str(path), f"not YAML ({type(error).__name__})", "mend the file") from None


def _problem_and_step(problem: str) -> tuple[str, str]:
    """Our own faults name the next step after a semicolon; pydantic's say what should be there."""
    problem, _, step = problem.partition("; ")
    return problem, step or "see the header of the vocabulary that clintune ships"
