"""Templates of the vocabulary: text with slots in braces.

- `{side}`: an alternative of the rule `side`
- `{patient.medicine}`: what is remembered of the patient, the episode or the note
- `{patient.medicine Drug}`: only its part that is marked Drug
- `{Disease: {adjective} {organ}itis}`: a mention with this label; `{name: …}`: an identifier of this kind
- `{5..40}`, `{3.5..5.2}`: a number; as many decimals as the first end has
- `{day}`, `{day-9..3}`, `{day+7..40}`: the day of the note, 9 to 3 days before, 7 to 40 after (9999 at most)
- `{birthday}`, `{age}`: the patient's day of birth, age in years on the day of the note
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """Characters as they stand."""

    text: str


@dataclass(frozen=True, slots=True)
class Use:
    """One alternative of the rule `rule`."""

    rule: str


@dataclass(frozen=True, slots=True)
class Recall:
    """A remembered fact of `scope`, or only its pieces marked `mark`."""

    scope: str
    fact: str
    mark: str | None


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `low` to `high`, counted in units of the last of its `places` decimals."""

    low: int
    high: int
    places: int


@dataclass(frozen=True, slots=True)
class Day:
    """A day `low` to `high` days after the note's."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Birthday:
    """The patient's day of birth."""


@dataclass(frozen=True, slots=True)
class Age:
    """The patient's age in years on the day of the note."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What `inside` gives is a mention or an identifier called `name`."""

    name: str
    inside: "Template"


Part: TypeAlias = Text | Use | Recall | Number | Day | Birthday | Age | Mark
Template: TypeAlias = tuple[Part, ...]

_BRACE = re.compile(r"[{}]")
_MARK = re.compile(r"(\w+):\s*")
_USE = re.compile(r"[a-z]\w*")
_RECALL = re.compile(r"([a-z]\w*)\.([a-z]\w*)(?: (\w+))?")
_NUMBER = re.compile(r"(\d+)(?:\.(\d+))?\.\.(\d+)(?:\.(\d+))?")
_DAY = re.compile(r"day(?:([-+])(\d{1,4})\.\.(\d{1,4}))?")


def parse(text: str) -> Template:
    """Read one template. Raises ValueError with the position (from 1) of what is not understood."""
    parts, _ = _parts(text, 0, marked=False)
    return parts


def walk(template: Template) -> Iterator[Part]:
    """Every part of a template, those inside marks too."""
    for part in template:
        yield part
        if isinstance(part, Mark):
            yield from walk(part.inside)


def _parts(text: str, at: int, *, marked: bool) -> tuple[Template, int]:
    """The parts from `at` to the end, or to the brace that closes the mark; and where that is."""
    parts: list[Part] = []
    opened = at
    while brace := _BRACE.search(text, at):
        if at < brace.start():
            parts.append(Text(text[at : brace.start()]))
        if brace.group() == "}":
            if not marked:
                raise ValueError(f"position {brace.end()}: a brace closes what none has opened")
            return tuple(parts), brace.end()
        part, at = _slot(text, brace.end())
        parts.append(part)
    if marked:
        raise ValueError(f"position {opened}: a brace is opened here and never closed")
    if at < len(text):
        parts.append(Text(text[at:]))
    return tuple(parts), len(text)


def _slot(text: str, at: int) -> tuple[Part, int]:
    """The slot whose opening brace stands just before `at`; and where the text goes on."""
    if mark := _MARK.match(text, at):
        inside, end = _parts(text, mark.end(), marked=True)
        if not inside or (isinstance(inside[-1], Text) and inside[-1].text[-1].isspace()):
            raise ValueError(f"position {at}: what is marked as {mark[1]} is empty or ends in a blank")
        return Mark(mark[1], inside), end
    end = text.find("}", at)
    if end < 0:
        raise ValueError(f"position {at}: a brace is opened here and never closed")
    part = _simple(text[at:end])
    if part is None:
        raise ValueError(f"position {at}: {{{text[at:end][:40]}}} is no kind of slot")
    return part, end + 1


def _simple(body: str) -> Part | None:
    if body in ("age", "birthday"):
        return Age() if body == "age" else Birthday()
    if day := _DAY.fullmatch(body):
        return _day(*day.groups())
    if _USE.fullmatch(body):
        return Use(body)
    if recall := _RECALL.fullmatch(body):
        return Recall(recall[1], recall[2], recall[3])
    if number := _NUMBER.fullmatch(body):
        return _number(*number.groups())
    return None


def _day(sign: str | None, first: str | None, last: str | None) -> Day | None:
    if sign is None or first is None or last is None:
        return Day(0, 0)
    low, high = int(sign + first), int(sign + last)
    return Day(low, high) if low <= high else None


def _number(low: str, low_decimals: str | None, high: str, high_decimals: str | None) -> Number | None:
    places = len(low_decimals or "")
    if places != len(high_decimals or ""):
        return None
    first, last = int(low + (low_decimals or "")), int(high + (high_decimals or ""))
    return Number(first, last, places) if first <= last else None
