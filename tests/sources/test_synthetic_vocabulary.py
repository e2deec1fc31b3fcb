"""vocabulary.yaml: what each fault in it says, and what each kind of slot gives."""

import datetime
import re
from collections import Counter

import pytest

from clintune.errors import SourceError
from clintune.sources.synthetic.checking import load_vocabulary
from clintune.sources.synthetic.dice import Dice
from clintune.sources.synthetic.expansion import write_date
from clintune.sources.synthetic.spelling import slip
from clintune.sources.synthetic.template import parse
from tests.corpora import write
from tests.sources.synthetic import VOCABULARY, notes

SMALL = """\
labels: [Disease]
identifiers: [name]
attributes:
  sex: {female: 1, male: 1}
  site: {north: 1}
  age_band: {18-39: 1, 40-90: 1}
calendar:
  first: 2020-01-01
  last: 2020-12-31
  gap: 1..5
  months: January | February | March | April | May | June | July | August | September | October | November | X
  formats: "{dd}.{mm}.{yyyy}"
facts:
  patient:
    surname: "{family_name}"
    illness: {draw: 2..2, of: "{Disease: {ill}} since {1990..1999}"}
  episode: {}
  note: {}
phrases:
  family_name: Berg | Holm
  ill: [[3, gout | flu], measles]
  she: {female: she, male: he}
sentences:
  said: "{she} has {patient.illness}. | {she} has {patient.illness Disease}."
notes:
  visit: "{day}: {name: {patient.surname}}, {age}. {said} {said} Pulse {60..90}, {36.5..37.5} C."
courses:
  - [visit]
synonyms:
  Gout: podagra
"""


def written(tmp_path, text=SMALL, **sizes):
    return notes(tmp_path, vocabulary=write(tmp_path, {"words.yaml": text}) / "words.yaml", **sizes)


def test_the_shipped_vocabulary_is_sound():
    assert load_vocabulary(VOCABULARY).labels == ("Disease", "Symptom", "Drug")


def test_a_small_vocabulary_says_what_its_templates_say(tmp_path):
    for row in written(tmp_path, patients=40, misspelled=0.0):
        sex = {"female": "She", "male": "He"}[row["attributes"]["sex"]]
        ill = "(gout|flu|measles|podagra)"
        sentence = rf"{sex} has {ill}( since 199\d)?\."
        assert re.fullmatch(
            rf"\d\d\.\d\d\.202[01]: (Berg|Holm), \d\d\. {sentence} {sentence} Pulse [6-9]\d, 3[67]\.\d C\.",
            row["text"],
        )
        assert [re.fullmatch(ill, span["text"]) is not None for span in row["spans"]] == [True, True]
        assert row["text"].count(" since ") == 1, "a sentence does not come twice while others are left"


def test_the_values_of_a_fact_take_turns(tmp_path):
    two = SMALL.replace("{Disease: {ill}} since {1990..1999}", "{ill_with_mark}").replace(
        "  ill:", '  ill_with_mark: "{Disease: gout} | {Disease: flu}"\n  ill:'
    )
    for row in written(tmp_path, two, misspelled=0.0):
        names = {span["text"].replace("podagra", "gout") for span in row["spans"]}
        assert names == {"gout", "flu"}


HELD = r"Disease would hold another mark \(name\)"
ONE_ATTRIBUTE = "variants are not the values of one attribute"
WEIGHT = "item 1: the weight is not a whole number"
# What is replaced in SMALL, by what, and what the error line says.
FAULTS = {
    "an unknown slot": ("{said} {said}", "{sad}", "no rule is called sad; did you mean said?"),
    "an unknown slot without a neighbour": ("{said} {said}", "{xyz}", "no rule is called xyz; define it"),
    "an unknown fact": ("{patient.surname}", "{patient.sur}", "no fact is called patient.sur"),
    "an unknown scope": ("{patient.surname}", "{visit.surname}", "no fact is called visit.surname"),
    "an unknown mark": ("{name: ", "{named: ", "no label or identifier is called named"),
    "an unknown part": ("illness Disease}", "illness Drug}", "no label or identifier is called Drug"),
    "a part that the fact has not": ("illness Disease}", "illness name}", "has no part marked name"),
    "a mark in a mark": ("{Disease: {ill}}", "{Disease: {name: x}}", HELD),
    "a mark in a mark, behind a rule": ("measles]", "'{name: x}']", HELD),
    "an empty mark": ("{name: {patient.surname}}", "{name: }", "marked as name is empty or ends in a blank"),
    "a mark that ends in a blank": ("{patient.surname}}", "{patient.surname} }", "empty or ends in a blank"),
    "a brace too many": ("Pulse {", "Pulse }{", "a brace closes what none has opened"),
    "a brace too few": ("{36.5..37.5}", "{36.5..37.5", "opened here and never closed"),
    "no kind of slot": ("{60..90}", "{60-90}", r"\{60-90\} is no kind of slot"),
    "a range that falls": ("{60..90}", "{90..60}", "is no kind of slot"),
    "decimals that differ": ("{36.5..37.5}", "{36.5..38}", "is no kind of slot"),
    "a day that falls": ("{day}:", "{day-2..9}:", "is no kind of slot"),
    "a day out of all calendars": ("{day}:", "{day+1..99999}:", "is no kind of slot"),
    "a circle": ("measles]", "'{ill}']", "leads back to itself; break the circle"),
    "a circle over facts": ("{family_name}", "{patient.surname}", "leads back to itself; break the circle"),
    "a fact before its time": ("  patient:\n", "  patient:\n    early: '{patient.illness}'\n", "asks for"),
    "a label that nothing carries": ("[Disease]", "[Disease, Drug]", "nothing is marked as Drug"),
    "a label that is an identifier": ("[name]", "[name, Disease]", "Disease is a label, too"),
    "a name twice": ("  said:", "  she: x\n  said:", "phrases has a rule of this name"),
    "a name that is built in": ("  she:", "  age: x\n  she:", "this name is built in"),
    "a variant too few": ("{female: she, male: he}", "{female: she}", ONE_ATTRIBUTE),
    "a variant unknown": ("male: he}", "man: he}", ONE_ATTRIBUTE),
    "a value of two attributes": ("{north: 1}", "{male: 1}", "two attributes share a value"),
    "an unknown note": ("- [visit]", "- [visits]", "no note is called visits; did you mean visit?"),
    "an empty course": ("- [visit]", "- []", "at least 1 item"),
    "no courses": ("\n  - [visit]", " []", "at least 1 item"),
    "a scope too few": ("  episode: {}\n", "", "not patient, episode and note"),
    "a month too few": ("January | ", "", "11 months; give 12"),
    "no part of a date": ("{dd}.", "{day}.", "a slot is no part of a date"),
    "a calendar that runs backwards": ("last: 2020", "last: 2019", "last lies before first"),
    "no date": ("first: 2020-01-01", "first: soon", "valid date"),
    "a calendar without end": ("last: 2020", "last: 9999", "not from 1900 to 2100"),
    "a calendar before all": ("first: 2020", "first: 0001", "not from 1900 to 2100"),
    "a gap without end": ("1..5", "1..99999", "the gap is above"),
    "no gap": ("1..5", "often", "not a range"),
    "an age beyond all": ("40-90", "40-900", "nobody is older than 130"),
    "no age": ("40-90", "old", "not a range"),
    "a weight of nothing": ("[3, gout | flu]", "[0, gout]", WEIGHT),
    "a weight without end": ("[3, gout | flu]", f"[{10**400}, gout]", WEIGHT),
    "a weight of an attribute": ("female: 1", "female: 0", "greater than or equal to 1"),
    "an attribute without values": ("{north: 1}", "{}", "at least 1 item"),
    "draws without end": ("2..2", "2..999999999", "draw is not from 1 to"),
    "no draw": ("2..2", "0..2", "draw is not from 1 to"),
    "alternatives in a fact": ("{family_name}", "Berg | Holm", "make them a rule"),
    "half a fact": ("{draw: 2..2, of:", "{of:", "not a fact"),
    "an empty alternative": ("gout | flu", "'gout | | flu'", "an alternative is empty"),
    "no alternatives": ("[[3, gout | flu], measles]", "[]", "no alternatives"),
    "a number for a text": ("Gout: podagra", "Gout: 3", "not a text; put quotes around it"),
    "an unknown section": ("courses:", "routes:", "courses|routes"),
    "no section": ("identifiers: [name]\n", "", "identifiers"),
    "no YAML": ("courses:", "courses: [", "not YAML"),
    "a key twice": ("courses:", "labels: [x]\ncourses:", "not YAML: found duplicate key"),
    "nothing": (SMALL, "", "the whole file"),
    "a list": (SMALL, "- 1", "the whole file"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_line_with_its_place_and_the_next_step(tmp_path, fault):
    old, new, message = FAULTS[fault]
    assert SMALL.count(old) == 1
    with pytest.raises(SourceError, match=message) as caught:
        written(tmp_path, SMALL.replace(old, new))
    assert re.match(
        rf"{re.escape(str(tmp_path))}/words\.yaml(:\d+)?(: [\w.\[\]-]+| the)?", caught.value.place
    )
    assert caught.value.next_step
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "notes.jsonl").exists()


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [("40-90", "old", 6), ("1..5", "often", 10), ("{ill}} ", "{il}} ", 16), ("{said} {said}", "{sad}", 26)],
)
def test_the_line_of_a_fault_is_named(tmp_path, old, new, line):
    with pytest.raises(SourceError) as caught:
        written(tmp_path, SMALL.replace(old, new))
    assert caught.value.place.startswith(f"{tmp_path}/words.yaml:{line}: ")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"labels: \xe9"])
def test_a_file_that_is_no_utf8_is_named(tmp_path, content):
    write(tmp_path, {"words.yaml": content})
    with pytest.raises(SourceError, match="not UTF-8; save it as UTF-8"):
        load_vocabulary(tmp_path / "words.yaml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"cannot be read \(FileNotFoundError\); let ingest\.path"):
        load_vocabulary(tmp_path / "words.yaml")


def test_notes_far_in_the_future_have_a_date(tmp_path):
    far = (
        SMALL.replace("2020-01-01", "2100-01-01")
        .replace("2020-12-31", "2100-12-31")
        .replace("1..5", "1000..1000")
    )
    assert len(written(tmp_path, far.replace("{day}", "{day+9999..9999}"), patients=1, notes=1000)) == 1000


@pytest.mark.parametrize(
    ("date_format", "written_out"),
    [
        ("{d}/{m}/{yy}", "3/4/07"),
        ("{dd}-{mm}-{yyyy}", "03-04-2007"),
        ("{mon} {d}", "Apr 3"),
        ("{month}", "April"),
    ],
)
def test_dates_are_written_without_asking_the_machine_for_its_language(date_format, written_out):
    calendar = load_vocabulary(VOCABULARY).calendar
    assert write_date(datetime.date(2007, 4, 3), parse(date_format), calendar) == written_out


def test_a_slip_changes_one_place_of_a_word_and_never_its_first_letter():
    found = {slip("pneumonia", Dice(number)) for number in range(300)}
    assert "pneumonia" not in found
    assert len(found) > 20
    assert all(word[0] == "p" and abs(len(word) - 9) <= 1 for word in found)


def test_draws_are_fixed_for_good():
    """Other draws would be other notes: every number that was ever reported would be of other data."""
    dice = Dice(17, "patient", 1)
    assert [dice.between(1, 100) for _ in range(5)] == [34, 71, 48, 76, 79]
    assert Counter(Dice(n).weighted([1, 0, 3]) for n in range(400)).keys() == {0, 2}
