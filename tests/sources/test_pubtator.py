import pytest

from clintune.errors import SourceError
from clintune.examples import Span
from tests.corpora import read, said, write

DOCUMENT = """1|t|Fever in mice.
1|a|No cough was seen.
1\t0\t5\tFever\tSymptom\tD1
1\t18\t23\tcough\tSymptom\tD2
"""


def one(tmp_path, text):
    (record,) = read(write(tmp_path, {"a.txt": text}), "pubtator")
    return record


def test_offsets_count_the_title_one_character_and_the_abstract(tmp_path):
    record = one(tmp_path, DOCUMENT)
    assert record.example.text == "Fever in mice.\nNo cough was seen."
    assert list(said(record)) == [["Fever"], ["cough"]]
    assert record.quoted == ("Fever", "cough")


def test_the_document_is_its_own_group_and_its_place_is_the_title(tmp_path):
    record = one(tmp_path, "\n" + DOCUMENT)
    assert (record.example.id, record.example.group, record.place) == ("1", "1", "a.txt:2")


@pytest.mark.parametrize("rest", ["D1|D2", "D1\tpart|part", "D1\t", "-1", " D1 ", "D1+D2", "OMIM:1"])
def test_a_mention_has_six_or_seven_columns(tmp_path, rest):
    record = one(tmp_path, f"1|t|Fever\n1|a|\n1\t0\t5\tFever\tSymptom\t{rest}\n")
    assert record.example.target == (Span(0, 5, "Symptom"),)


def test_a_mention_without_a_label_is_one_line(tmp_path):
    with pytest.raises(SourceError, match=r"^a\.txt:3: 6 columns, where a mention has 6 or 7"):
        one(tmp_path, "1|t|Fever\n1|a|\n1\t0\t5\tFever\t \tD1\n")


def test_a_relation_is_no_mention(tmp_path):
    assert len(one(tmp_path, DOCUMENT + "1\tCID\tD1\tD2\n").example.target) == 2


def test_an_empty_line_before_and_none_after_the_documents_is_fine(tmp_path):
    text = "\n\n" + DOCUMENT + "\n" + DOCUMENT.replace("1|", "2|").replace("1\t", "2\t").rstrip("\n")
    records = read(write(tmp_path, {"a.txt": text}), "pubtator")
    assert [record.example.id for record in records] == ["1", "2"]


def test_a_title_begins_the_next_document_without_an_empty_line(tmp_path):
    records = read(write(tmp_path, {"a.txt": "1|t|One\n1|a|Uno\n2|t|Two\n2|a|Dos\n"}), "pubtator")
    assert [record.example.text for record in records] == ["One\nUno", "Two\nDos"]


def test_a_document_that_stands_twice_is_read_twice(tmp_path):
    assert len(read(write(tmp_path, {"a.txt": f"{DOCUMENT}\n{DOCUMENT}"}), "pubtator")) == 2


def test_crlf_ends_a_line_and_a_byte_order_mark_begins_a_file(tmp_path):
    text = "\ufeff" + DOCUMENT.replace("\n", "\r\n")
    assert one(tmp_path, text) == one(tmp_path, DOCUMENT)


def test_unusual_line_ends_and_tabs_and_bars_are_characters_of_the_text(tmp_path):
    title = "a\u0085b\u2028c\rd\te|t|f"
    record = one(tmp_path, f"1|t|{title}\n1|a|\u0085x\n1\t{len(title) + 2}\t{len(title) + 3}\tx\tL\t-\n")
    assert record.example.text == f"{title}\n\u0085x"
    assert list(said(record)) == [["x"]]


def test_adjacent_mentions_stay_two(tmp_path):
    record = one(tmp_path, "1|t|ab\n1|a|\n1\t0\t1\ta\tL\t-\n1\t1\t2\tb\tL\t-\n")
    assert record.example.target == (Span(0, 1, "L"), Span(1, 2, "L"))


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "no record"),
        ("\n \n", 1, "no record"),
        ("1|t|One\n", 1, "no title line"),
        ("1|a|Uno\n", 1, "no title line"),
        ("1|t|One\n2|a|Uno\n", 2, "another id"),
        (DOCUMENT + "2\t0\t5\tFever\tSymptom\tD1\n", 5, "not a line of the document"),
        (DOCUMENT + "stray\n", 5, "not a line of the document"),
        (DOCUMENT + "1\t0\t5\tFever\tSymptom\n", 5, "5 columns"),
        (DOCUMENT + "1\t0\t5\tFever\n", 5, "4 columns"),
        (DOCUMENT + "1\t0\t5\tFever\tSymptom\tD1\tx\ty\n", 5, "8 columns"),
        (DOCUMENT + "1\tx\t5\tFever\tSymptom\tD1\n", 5, "an offset is not a whole number"),
        (DOCUMENT + "1\t-1\t5\tFever\tSymptom\tD1\n", 5, "an offset is not a whole number"),
        (DOCUMENT + "1\t٣\t5\tFever\tSymptom\tD1\n", 5, "an offset is not a whole number"),
        (DOCUMENT + f"1\t0\t{'9' * 5000}\tFever\tSymptom\tD1\n", 5, "an offset is not a whole number"),
        (DOCUMENT + "1\t0\t5\tFe\0ver\tSymptom\tD1\n", 5, "NUL"),
        (DOCUMENT.encode() + b"1\t0\t5\tF\xe9ver\tSymptom\tD1\n", 5, "not UTF-8"),
        (DOCUMENT.encode("utf-16"), 1, "not UTF-8"),
    ],
)
def test_an_illegal_line_is_named_without_its_text(tmp_path, text, line, problem):
    with pytest.raises(SourceError) as caught:
        read(write(tmp_path, {"a.txt": text}), "pubtator")
    assert caught.value.place == f"a.txt:{line}"
    assert problem in caught.value.problem
    assert "Fever" not in str(caught.value)
