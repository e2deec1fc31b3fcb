"""Patients and their notes: the same person over all of them, each note from its own stream of draws."""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from clintune.sources.synthetic.dice import Dice
from clintune.sources.synthetic.expansion import Passage, Person, Scene
from clintune.sources.synthetic.spelling import with_misspellings, with_synonyms
from clintune.sources.synthetic.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Note:
    """One note: `number` counts from 1 within the patient. A patient may grow out of an age band."""

    patient: int
    number: int
    passage: Passage
    attributes: Mapping[str, str]


def write_patient(
    vocabulary: Vocabulary, *, seed: int, patient: int, notes: int, misspelled: float
) -> Iterator[Note]:
    """The first `notes` notes of one patient.

    Each depends on the seed, the patient and its own number alone: asking for more changes none.
    """
    dice = Dice(seed, "patient", patient)
    person, day = _meet(vocabulary, dice)
    memory: dict[tuple[str, str], tuple[Passage, ...]] = {}
    _scene(vocabulary, dice, person, day, memory).remember("patient", vocabulary.facts["patient"])
    course: tuple[str, ...] = ()
    seen = 0
    for number in range(1, notes + 1):
        dice = Dice(seed, "patient", patient, "note", number)
        scene = _scene(vocabulary, dice, person, day, memory)
        if seen == len(course):
            course, seen = dice.pick(vocabulary.courses), 0
            scene.remember("episode", vocabulary.facts["episode"])
        scene.remember("note", vocabulary.facts["note"])
        passage = scene.write(course[seen])
        seen += 1
        passage = with_synonyms(passage, vocabulary.synonyms, dice)
        slips = Dice(seed, "patient", patient, "note", number, "misspelled")
        passage = with_misspellings(passage, vocabulary.labels, misspelled, slips)
        attributes = {"sex": person.sex, "site": person.site, "age_band": scene.age_band}
        yield Note(patient, number, passage, attributes)
        day += datetime.timedelta(dice.between(vocabulary.calendar.gap.low, vocabulary.calendar.gap.high))


def _meet(vocabulary: Vocabulary, dice: Dice) -> tuple[Person, datetime.date]:
    """A patient, and the day of the first note."""
    calendar, attributes = vocabulary.calendar, vocabulary.attributes
    day = calendar.first + datetime.timedelta(dice.between(0, (calendar.last - calendar.first).days))
    sex, site, band = (
        list(weights)[dice.weighted(tuple(weights.values()))]
        for weights in (attributes.sex, attributes.site, attributes.age_band)
    )
    age = dice.between(*map(int, band.split("-")))
    born = datetime.date(day.year - age - 1, day.month, min(day.day, 28)) + datetime.timedelta(
        dice.between(4, 364)
    )
    return Person(sex, site, born), day


def _scene(
    vocabulary: Vocabulary,
    dice: Dice,
    person: Person,
    day: datetime.date,
    memory: dict[tuple[str, str], tuple[Passage, ...]],
) -> Scene:
    bands = sorted(vocabulary.attributes.age_band, key=lambda band: int(band.split("-")[0]))
    age = person.age(day)
    reached = [band for band in bands if int(band.split("-")[0]) <= age]
    date_format = dice.pick(vocabulary.calendar.formats)
    return Scene(vocabulary, dice, person, reached[-1], day, date_format, memory)
