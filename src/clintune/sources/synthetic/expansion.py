"""From a template to a passage: text in pieces, each plain, a mention or an identifier."""

import datetime
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from clintune.sources.synthetic.dice import Dice
from clintune.sources.synthetic.template import (
    Age,
    Birthday,
    Day,
    Mark,
    Number,
    Part,
    Recall,
    Template,
    Text,
    Use,
)
from clintune.sources.synthetic.vocabulary import (
    EVERYBODY,
    Calendar,
    Choice,
    DateFormat,
    Fact,
    Rule,
    Vocabulary,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text, and the label or kind of identifier that it carries, if any."""

    text: str
    mark: str | None = None


Passage: TypeAlias = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """What holds for a patient over all notes."""

    sex: str
    site: str
    born: datetime.date

    def age(self, day: datetime.date) -> int:
        """Age in years on `day`."""
        return day.year - self.born.year - ((day.month, day.day) < (self.born.month, self.born.day))


@dataclass(frozen=True, slots=True)
class Scene:
    """What a template may ask for while one note is written, and what it has used already.

    `memory` holds the values of each fact by (scope, fact). Sentences do not come twice in a note while
    others are left, and the values of a fact take turns, beginning anywhere.
    """

    vocabulary: Vocabulary
    dice: Dice
    person: Person
    age_band: str
    day: datetime.date
    date_format: DateFormat
    memory: dict[tuple[str, str], tuple[Passage, ...]]
    _said: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _turns: Counter[tuple[str, str]] = field(default_factory=Counter)

    def expand(self, template: Template) -> Passage:
        """One text that the template allows."""
        return tuple(piece for part in template for piece in self._part(part))

    def write(self, kind: str) -> Passage:
        """The text of a note of this kind."""
        return self._phrase(self.vocabulary.notes[kind])

    def remember(self, scope: str, facts: Mapping[str, Fact]) -> None:
        """Draw the values of the facts of one scope, in their order: later ones may ask for earlier ones."""
        for name, fact in facts.items():
            wanted = self.dice.between(fact.draw.low, fact.draw.high)
            values: list[Passage] = []
            for _ in range(10 * wanted):  # a rule with few alternatives may have no more different ones
                value = self.expand(fact.of)
                if value not in values:
                    values.append(value)
                if len(values) == wanted:
                    break
            self.memory[scope, name] = tuple(values)

    def _part(self, part: Part) -> Passage:  # noqa: PLR0911  (one return for each kind of part)
        match part:
            case Text(text):
                return (Piece(text),)
            case Use(name) if name in self.vocabulary.sentences:
                return self._sentence(name)
            case Use(name):
                return self._phrase(self.vocabulary.phrases[name])
            case Recall():
                return self._recall(part)
            case Mark(name, inside):
                return (Piece("".join(piece.text for piece in self.expand(inside)), name),)
            case Number(low, high, places):
                digits = str(self.dice.between(low, high)).zfill(places + 1)
                return (Piece(f"{digits[:-places]}.{digits[-places:]}" if places else digits),)
            case Day(low, high):
                return (Piece(self._date(self.day + datetime.timedelta(self.dice.between(low, high)))),)
            case Birthday():
                return (Piece(self._date(self.person.born)),)
            case Age():
                return (Piece(str(self.person.age(self.day))),)

    def _phrase(self, rule: Rule) -> Passage:
        choice = self._variant(rule)
        return self.expand(choice.templates[self.dice.weighted(choice.weights)])

    def _sentence(self, name: str) -> Passage:
        choice, said = self._variant(self.vocabulary.sentences[name]), self._said[name]
        if len(said) == len(choice.templates):
            said.clear()
        number = self.dice.weighted([0 if i in said else weight for i, weight in enumerate(choice.weights)])
        said.add(number)
        passage = self.expand(choice.templates[number])
        begin = (Piece(piece.text[:1].upper() + piece.text[1:], piece.mark) for piece in passage[:1])
        return (*begin, *passage[1:])

    def _variant(self, rule: Rule) -> Choice:
        person = self.person
        values = (EVERYBODY, person.sex, person.site, self.age_band)
        return rule.variants[next(value for value in values if value in rule.variants)]

    def _recall(self, part: Recall) -> Passage:
        key = part.scope, part.fact
        values = self.memory[key]
        if key not in self._turns:
            self._turns[key] = self.dice.between(0, len(values) - 1)
        value = values[self._turns[key] % len(values)]
        self._turns[key] += 1
        return value if part.mark is None else tuple(piece for piece in value if piece.mark == part.mark)

    def _date(self, day: datetime.date) -> str:
        return write_date(day, self.date_format, self.vocabulary.calendar)


def write_date(day: datetime.date, date_format: DateFormat, calendar: Calendar) -> str:
    """A date in one of the calendar's formats: strftime would ask the machine for its language."""
    month = calendar.months[day.month - 1]
    parts = {
        "d": str(day.day), "dd": f"{day.day:02}", "m": str(day.month), "mm": f"{day.month:02}",
        "mon": month[:3], "month": month, "yy": f"{day.year % 100:02}", "yyyy": str(day.year),
    }  # fmt: skip
    return "".join(part.text if isinstance(part, Text) else parts[part.rule] for part in date_format)
