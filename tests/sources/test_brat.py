import pytest

from clintune.errors import SourceError
from clintune.examples import Span
from tests.corpora import read, said, write

TEXT = "Fever and cough, no pain."
MENTIONS = "T1\tSymptom 0 5\tFever\nT2\tSymptom 10 15\tcough\n"


def one(tmp_path, text=TEXT, mentions=MENTIONS):
    (record,) = read(write(tmp_path, {"n.txt": text, "n.ann": mentions}), "brat")
    return record


def test_a_text_and_its_mentions_make_one_record(tmp_path):
    record = one(tmp_path)
    assert record.example.text == TEXT
    assert list(said(record)) == [["Fever"], ["cough"]]
    assert record.quoted == ("Fever", "cough")
    assert record.place == "n.txt:1"


def test_the_path_without_suffix_is_id_and_group(tmp_path):
    files = {"b/n.v1.txt": TEXT, "b/n.v1.ann": "", "a/n.txt": TEXT, "a/n.ann": ""}
    records = read(write(tmp_path, files), "brat")
    assert [(one.example.id, one.example.group) for one in records] == [("a/n", "a/n"), ("b/n.v1", "b/n.v1")]


def test_names_that_sort_between_a_text_and_its_mentions_do_not_part_them(tmp_path):
    files = {"n.a1": MENTIONS, "n.b.a1": "", "n.b.txt": TEXT, "n.txt": TEXT, "n-2.txt": TEXT, "n-2.a1": ""}
    records = read(write(tmp_path, files), "brat")
    assert [(one.example.id, len(one.example.target)) for one in records] == [
        ("n", 2),
        ("n-2", 0),
        ("n.b", 0),
    ]


def test_a_discontinuous_mention_is_one_span_with_a_gap(tmp_path):
    record = one(tmp_path, "left and right arm", "T1\tSite 0 4;15 18\tleft arm\n")
    assert record.example.target == (Span(0, 18, "Site", ((4, 15),)),)
    assert list(said(record)) == [["left", "arm"]]


def test_three_pieces_make_two_gaps(tmp_path):
    record = one(tmp_path, "abcdefgh", "T1\tL 0 1;3 4;6 8\ta d gh\n")
    assert record.example.target == (Span(0, 8, "L", ((1, 3), (4, 6))),)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_mention_across_a_line_break_is_no_discontinuous_one(tmp_path, end):
    text = f"heart{end}failure"
    record = one(tmp_path, text, f"T1\tL 0 5;{len(text) - 7} {len(text)}\theart failure\n")
    assert record.example.target == (Span(0, len(text), "L"),)


def test_nested_mentions_stay_two_spans(tmp_path):
    record = one(tmp_path, "lung cancer", "T1\tCancer 0 11\tlung cancer\nT2\tOrgan 0 4\tlung\n")
    assert record.example.target == (Span(0, 11, "Cancer"), Span(0, 4, "Organ"))


def test_one_place_with_two_labels_is_two_spans(tmp_path):
    record = one(tmp_path, "GH", "T1\tGene 0 2\tGH\nT2\tDrug 0 2\tGH\n")
    assert record.example.target == (Span(0, 2, "Gene"), Span(0, 2, "Drug"))


def test_events_relations_attributes_and_notes_are_passed_over(tmp_path):
    others = (
        "E1\tGrowth:T1 Theme:T2\nR1\tCauses Arg1:T1 Arg2:T2\nA1\tNegated T1\nM1\tSpeculation E1\n"
        "N1\tReference T1 MeSH:1\tfever\n#1\tAnnotatorNotes T1\tsure\n*\tEquiv T1 T2\n\n"
    )
    assert one(tmp_path, mentions=MENTIONS + others) == one(tmp_path)


def test_event_triggers_in_a2_are_no_entities(tmp_path):
    files = {"n.txt": TEXT, "n.a1": MENTIONS, "n.a2": "T3\tGrowth 0 5\tFever\nE1\tGrowth:T3\n"}
    (record,) = read(write(tmp_path, files), "brat")
    assert len(record.example.target) == 2


def test_other_files_beside_the_texts_are_passed_over(tmp_path):
    files = {"README": "x", "LICENSE": b"\xff", "annotation.conf": "[entities]", "n.txt": TEXT, "n.ann": ""}
    assert len(read(write(tmp_path, files), "brat")) == 1


@pytest.mark.parametrize("names", [("n.TXT", "n.ANN"), ("n.txt", "n.ANN"), ("n.TXT", "n.a1")])
def test_capitals_in_a_suffix_leave_no_text_out(tmp_path, names):
    (record,) = read(write(tmp_path, dict(zip(names, (TEXT, MENTIONS), strict=True))), "brat")
    assert (record.example.id, list(said(record))) == ("n", [["Fever"], ["cough"]])


def test_two_files_apart_by_capitals_alone_are_named(tmp_path):
    with pytest.raises(SourceError, match=r"n\.TXT:1: a file beside it has the same name but for"):
        read(write(tmp_path, {"n.txt": TEXT, "n.TXT": TEXT, "n.ann": ""}), "brat")


def test_offsets_count_a_byte_order_mark(tmp_path):
    record = one(tmp_path, "\ufeffFever", "T1\tSymptom 1 6\tFever\n")
    assert record.example.text == "\ufeffFever"
    assert list(said(record)) == [["Fever"]]


def test_offsets_count_characters_and_nothing_is_normalised(tmp_path):
    text = "ñ\r\nC\u0301\u0082\u0085\t\u2028 Fever\r\n"
    start = text.index("Fever")
    record = one(tmp_path, text, f"T1\tSymptom {start} {start + 5}\tFever\r\n")
    assert record.example.text == text
    assert list(said(record)) == [["Fever"]]


def test_a_text_without_a_mention_has_an_empty_file_beside_it(tmp_path):
    assert one(tmp_path, mentions="").example.target == ()


@pytest.mark.parametrize(
    ("files", "place", "problem"),
    [
        ({"n.ann": MENTIONS}, "n.ann:1", "no .txt"),
        ({"n.a1": MENTIONS}, "n.a1:1", "no .txt"),
        ({"n.txt": TEXT}, "n.txt:1", "neither"),
        ({"n.txt": TEXT, "n.ann": "", "n.a1": ""}, "n.txt:1", "both"),
        ({"n.txt": TEXT, "n.ann": MENTIONS + "T3\tSymptom 0 5\n"}, "n.ann:3", "not a line"),
        ({"n.txt": TEXT, "n.ann": MENTIONS + "T3 Symptom 0 5 Fever\n"}, "n.ann:3", "not a line"),
        ({"n.txt": TEXT, "n.ann": MENTIONS + "T3\tSymptom a 5\tFever\n"}, "n.ann:3", "not a line"),
        ({"n.txt": TEXT, "n.ann": MENTIONS + "T3\tSymptom -1 5\tFever\n"}, "n.ann:3", "not a line"),
        ({"n.txt": TEXT, "n.ann": MENTIONS + "T3\tSymptom 0 5;\tFever\n"}, "n.ann:3", "not a line"),
        ({"n.txt": TEXT, "n.ann": MENTIONS + "x\n"}, "n.ann:3", "not a line"),
        ({"n.txt": TEXT, "n.ann": f"T1\tL 0 {'9' * 12}\tFever\n"}, "n.ann:1", "an offset"),
        ({"n.txt": TEXT, "n.ann": "T1\tL 0 5\tFe\0er\n"}, "n.ann:1", "NUL"),
        ({"n.txt": b"a\nb\n\xe9", "n.ann": ""}, "n.txt:3", "not UTF-8"),
        ({"n.txt": TEXT, "n.ann": b"T1\tL 0 5\tF\xe9ver\n"}, "n.ann:1", "not UTF-8"),
    ],
)
def test_an_illegal_file_is_named_without_its_text(tmp_path, files, place, problem):
    with pytest.raises(SourceError) as caught:
        read(write(tmp_path, files), "brat")
    assert caught.value.place == place
    assert problem in caught.value.problem
    assert "Fever" not in str(caught.value)
