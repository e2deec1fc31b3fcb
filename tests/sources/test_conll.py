import pytest

from clintune.errors import SourceError
from clintune.examples import Span
from tests.corpora import read, said, write


def one(tmp_path, text, **columns):
    (record,) = read(write(tmp_path, {"a.tsv": text}), "conll", **columns)
    return record


def spans(tmp_path, scheme, tags):
    text = "".join(f"w{tag}\n" for tag in (f"\t{tag}" for tag in tags.split()))
    target = one(tmp_path, text, scheme=scheme).example.target
    return [(span.start // 2, span.end // 2 + 1, span.label) for span in target]


def test_the_text_is_the_tokens_joined(tmp_path):
    record = one(tmp_path, "High\tO\nfever\tB-Symptom\n.\tO\n")
    assert record.example.text == "High fever ."
    assert list(said(record)) == [["fever"]]


def test_characters_are_joined_without_anything_between(tmp_path):
    text = "发 B_symptom\n烧 I_symptom\n了 O\n"
    record = one(tmp_path, text, separator="space", joiner="")
    assert record.example.text == "发烧了"
    assert record.example.target == (Span(0, 2, "symptom"),)


def test_a_label_may_have_blanks_where_tabs_part_the_columns(tmp_path):
    record = one(tmp_path, "rash\tB-Adverse Event\nall\tI-Adverse Event\nover\tO\n")
    assert record.example.target == (Span(0, 8, "Adverse Event"),)


@pytest.mark.parametrize("space", ["\u3000", "\u00a0", "\u0085", "\t"])
def test_a_token_that_is_white_space_is_a_token(tmp_path, space):
    text = f"头 B_body\n{space} O\n疼 B_symptom\n"
    record = one(tmp_path, text, separator="space", joiner="")
    assert record.example.text == f"头{space}疼"
    assert list(said(record)) == [["头"], ["疼"]]


def test_only_an_empty_line_ends_a_sentence(tmp_path):
    text = "\n\na\tO\n\u3000\tO\n\n\nb\tB-X\n"
    records = read(write(tmp_path, {"a.tsv": text}), "conll")
    assert [record.example.text for record in records] == ["a \u3000", "b"]


def test_the_id_is_the_file_and_a_running_number(tmp_path):
    files = {"sub/b.tsv": "x\tO\n\ny\tO\n", "a.tsv": "x\tO\n"}
    records = read(write(tmp_path, files), "conll")
    assert [(one.example.id, one.place) for one in records] == [
        ("a-1", "a.tsv:1"), ("sub/b-1", "sub/b.tsv:1"), ("sub/b-2", "sub/b.tsv:3"),
    ]  # fmt: skip


def test_sentences_of_one_document_share_a_group(tmp_path):
    text = "-DOCSTART-\tO\n\na\tO\n\nb\tO\n\n-DOCSTART- -X- O\nc\tO\n"
    records = read(write(tmp_path, {"a.tsv": text}), "conll")
    assert [(one.example.text, one.example.group) for one in records] == [
        ("a", "a-document-1"), ("b", "a-document-1"), ("c", "a-document-2"),
    ]  # fmt: skip


def test_a_sentence_without_a_document_is_its_own_group(tmp_path):
    records = read(write(tmp_path, {"a.tsv": "a\tO\n\nb\tO\n"}), "conll")
    assert [one.example.group for one in records] == ["a-1", "a-2"]


def test_crlf_and_a_byte_order_mark_are_no_part_of_tokens_and_tags(tmp_path):
    text = "fever\tB-X\nx\tO\n\ny\tO\n"
    plain = read(write(tmp_path, {"a.tsv": text}), "conll")
    assert read(write(tmp_path, {"a.tsv": "\ufeff" + text.replace("\n", "\r\n")}), "conll") == plain


def test_the_columns_are_chosen_by_number(tmp_path):
    text = "1\tB-X\tNN\tfever\n2\tO\tNN\t.\n"
    record = one(tmp_path, text, token=3, tag=1)
    assert list(said(record)) == [["fever"]]


def test_a_label_may_hold_the_marks_that_part_prefix_and_label(tmp_path):
    assert one(tmp_path, "a\tB-cell_line-x\n").example.target == (Span(0, 1, "cell_line-x"),)


def test_nothing_is_quoted(tmp_path):
    assert one(tmp_path, "a\tB-X\nb\tB-X\n").quoted == (None, None)


@pytest.mark.parametrize(
    ("scheme", "tags", "expected"),
    [
        ("iob2", "B-X I-X O B-Y", [(0, 2, "X"), (3, 4, "Y")]),
        ("iob2", "B-X B-X I-X", [(0, 1, "X"), (1, 3, "X")]),
        ("iob2", "B-X B-Y", [(0, 1, "X"), (1, 2, "Y")]),
        ("iob1", "I-X I-X O I-Y", [(0, 2, "X"), (3, 4, "Y")]),
        ("iob1", "I-X B-X I-X", [(0, 1, "X"), (1, 3, "X")]),
        ("iob1", "I-X I-Y", [(0, 1, "X"), (1, 2, "Y")]),
        ("iob1", "B-X I-X", [(0, 2, "X")]),
        ("iobes", "S-X B-X E-X B-Y I-Y E-Y O", [(0, 1, "X"), (1, 3, "X"), (3, 6, "Y")]),
        ("iobes", "S-X S-X", [(0, 1, "X"), (1, 2, "X")]),
    ],
)
def test_mentions_by_scheme(tmp_path, scheme, tags, expected):
    assert spans(tmp_path, scheme, tags) == expected


@pytest.mark.parametrize(
    ("scheme", "tags", "line"),
    [
        ("iob2", "O I-X", 2),
        ("iob2", "I-X", 1),
        ("iob2", "B-X I-Y", 2),
        ("iob2", "S-X", 1),
        ("iob1", "E-X", 1),
        ("iobes", "B-X O", 1),
        ("iobes", "B-X", 1),
        ("iobes", "B-X B-X E-X", 1),
        ("iobes", "E-X", 1),
        ("iobes", "S-X I-X", 2),
        ("iobes", "B-X I-X S-X", 2),
        ("iobes", "B-X E-Y", 1),
        ("iobes", "B-X E-X E-X", 3),
    ],
)
def test_a_tag_that_its_scheme_forbids_is_named(tmp_path, scheme, tags, line):
    with pytest.raises(SourceError) as caught:
        spans(tmp_path, scheme, tags)
    assert caught.value.place == f"a.tsv:{line}"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "no record"),
        ("\n\n", 1, "no record"),
        ("-DOCSTART-\tO\n\n", 1, "no record"),
        ("a\tO\nfever\n", 2, "1 columns"),
        ("a\tO\nfever\tNN\tO\n", 2, "3 columns"),
        ("fever O\n", 1, "too few"),
        ("a\tO\n\tO\n", 2, "no token"),
        ("a\tO\nb\tfever\n", 2, "no tag of scheme"),
        ("a\tO\nb\tB-\n", 2, "no tag of scheme"),
        ("a\tO\nb\tB\n", 2, "no tag of scheme"),
        ("a\tO\nb\to\n", 2, "no tag of scheme"),
        ("a\tO\nb\t\n", 2, "no tag of scheme"),
        ("a\tO\nb\0\tO\n", 2, "NUL"),
        (b"a\tO\n\xe9\tO\n", 2, "not UTF-8"),
    ],
)
def test_an_illegal_line_is_named_without_its_text(tmp_path, text, line, problem):
    with pytest.raises(SourceError) as caught:
        read(write(tmp_path, {"a.tsv": text}), "conll")
    assert caught.value.place == f"a.tsv:{line}"
    assert problem in caught.value.problem
    assert "fever" not in str(caught.value)
