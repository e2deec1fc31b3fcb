import json

import pytest

from clintune.errors import SourceError
from clintune.examples import Span
from tests.corpora import read, write

SOUND = {
    "id": "n1",
    "group": "p1",
    "text": "Fever now",
    "spans": [{"start": 0, "end": 5, "label": "Symptom"}],
}


def line(**changes):
    return json.dumps(SOUND | changes, ensure_ascii=False) + "\n"


def span(**changes):
    return line(spans=[SOUND["spans"][0] | changes])


def one(tmp_path, text):
    (record,) = read(write(tmp_path, {"a.jsonl": text}), "jsonl")
    return record


def test_a_line_is_a_record(tmp_path):
    record = one(tmp_path, line())
    assert (record.example.id, record.example.group, record.example.text) == ("n1", "p1", "Fever now")
    assert record.example.target == (Span(0, 5, "Symptom"),)
    assert (record.quoted, record.split, record.place) == ((None,), None, "a.jsonl:1")


def test_quoted_text_gaps_attributes_and_split_are_read(tmp_path):
    text = line(
        spans=[{"start": 0, "end": 9, "label": "L", "gaps": [[5, 6]], "text": "Fever now"}],
        attributes={"sex": "f"},
        split="test",
    )
    record = one(tmp_path, text)
    assert record.example.target == (Span(0, 9, "L", ((5, 6),)),)
    assert record.quoted == ("Fever now",)
    assert (record.example.attributes, record.split) == ({"sex": "f"}, "test")


def test_further_keys_are_allowed(tmp_path):
    assert one(tmp_path, line(identifiers=[{"start": 0}], note=None)) == one(tmp_path, line())


def test_every_character_of_the_text_is_kept(tmp_path):
    text = "\ufeffa\r\nb\tc\u0085d\u2028e\u3000\U0001f9ec "
    assert one(tmp_path, line(text=text)).example.text == text


def test_a_nul_that_json_writes_as_an_escape_is_read(tmp_path):
    assert one(tmp_path, line(text="a\0b")).example.text == "a\0b"


def test_crlf_empty_lines_and_a_byte_order_mark_are_around_the_records(tmp_path):
    text = "\ufeff" + line().replace("\n", "\r\n") + "\r\n" + line(id="n2").rstrip("\n")
    records = read(write(tmp_path, {"a.jsonl": text}), "jsonl")
    assert [(record.example.id, record.place) for record in records] == [
        ("n1", "a.jsonl:1"),
        ("n2", "a.jsonl:3"),
    ]


def test_a_surrogate_pair_is_one_character(tmp_path):
    assert one(tmp_path, line(text="X").replace("X", r"\ud83e\uddec")).example.text == "\U0001f9ec"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no record"),
        ("\n", "no record"),
        (line()[:-3], "not JSON from column"),
        (line()[:20], "not JSON from column"),
        ("[1]\n", "not a JSON object"),
        ("3\n", "not a JSON object"),
        ("null\n", "not a JSON object"),
        ('{"id": "a", "id": "b"}\n', "twice"),
        ('{"id": NaN}\n', "NaN"),
        ("[" * 100_000 + "\n", "not JSON"),
        ('{"id": ' + "9" * 5000 + "}\n", "not JSON"),
        (line(text="X").replace("X", r"\ud83e"), "surrogate"),
        (line(text="X").replace("X", "a\x01b"), "not JSON from column"),
        (line(text="X").replace("X", "a\0b"), "NUL"),
        (line().encode("utf-16"), "not UTF-8"),
        (line(text="Fièvre").encode("latin-1"), "not UTF-8"),
        (line(id=7), "id is not a text"),
        (line(id=""), "id is empty"),
        (line(group=" "), "group is empty"),
        (line(text=None), "text is not a text"),
        (line(spans={}), "spans is not a list"),
        (line(spans=[3]), "a span is not an object"),
        (line(attributes=[]), "attributes is not an object"),
        (line(attributes={"age": 70}), "age is not a text"),
        (line(split="dev"), "split is none of"),
        (line(split=None), "split is not a text"),
        (span(start="0"), "start is not a whole number"),
        (span(start=0.0), "start is not a whole number"),
        (span(start=True), "start is not a whole number"),
        (span(end=None), "end is not a whole number"),
        (span(label=""), "label is empty"),
        (span(label=["L"]), "label is not a text"),
        (span(text=3), "text is not a text"),
        (span(gaps=[3]), "a gap is not a pair"),
        (span(gaps=[[1]]), "a gap is not a pair"),
        (span(gaps=[[1, True]]), "a gap is not a pair"),
        (span(gaps=[[1, 2, 3]]), "a gap is not a pair"),
    ],
)
def test_an_illegal_line_is_named_without_its_text(tmp_path, text, problem):
    with pytest.raises(SourceError) as caught:
        read(write(tmp_path, {"a.jsonl": text}), "jsonl")
    assert caught.value.place == "a.jsonl:1"
    assert problem in caught.value.problem
    assert "Fever" not in str(caught.value)


@pytest.mark.parametrize("key", ["id", "group", "text", "spans"])
def test_a_key_that_is_missing_is_named(tmp_path, key):
    text = json.dumps({name: value for name, value in SOUND.items() if name != key})
    with pytest.raises(SourceError, match=f"{key} is missing"):
        read(write(tmp_path, {"a.jsonl": text}), "jsonl")


@pytest.mark.parametrize("key", ["start", "end", "label"])
def test_a_key_that_is_missing_in_a_span_is_named(tmp_path, key):
    broken = {name: value for name, value in SOUND["spans"][0].items() if name != key}
    with pytest.raises(SourceError, match=f"{key} is missing"):
        read(write(tmp_path, {"a.jsonl": line(spans=[broken])}), "jsonl")
