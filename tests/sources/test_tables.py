"""CSV, TSV and parquet: rows become records with every character kept, and each fault has its line."""

import csv
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clintune.errors import SourceError
from clintune.params import Preprocess
from clintune.sources.readers import READERS
from tests.corpora import table_section, write


def read(folder, format_="csv", **columns):
    return list(READERS[format_](folder, table_section(format_, **columns)))


def one(tmp_path, content, format_="csv", **columns):
    (record,) = read(write(tmp_path, {f"a.{format_}": content}), format_, **columns)
    return record


def test_a_row_is_a_record_with_the_cells_of_its_target(tmp_path):
    columns = {"target": ("x", "y"), "id": "name", "group": "patient", "attributes": ("sex", "site")}
    record = one(tmp_path, "name,patient,text,x,y,sex,site\nn1,p1,Fever,1,,f,\n", **columns)
    assert (record.example.id, record.example.group, record.example.text) == ("n1", "p1", "Fever")
    assert record.example.target == {"x": "1", "y": ""}
    assert record.example.attributes == {"sex": "f"}
    assert record.place == "a.csv:2"


def test_without_a_header_columns_have_numbers(tmp_path):
    record = one(tmp_path, "2\tFever\n", "tsv", header=False, text=1, target=(0,))
    assert (record.example.text, record.example.target) == ("Fever", {"0": "2"})
    assert (record.example.id, record.place) == ("a-1", "a.tsv:1")


def test_equal_texts_are_one_group_where_no_column_says_it(tmp_path):
    text = "text,label\nFever,a\nCough,a\nFever,b\n"
    groups = [record.example.group for record in read(write(tmp_path, {"a.csv": text}))]
    assert groups[0] == groups[2] != groups[1]


def test_a_quoted_field_keeps_commas_quotes_and_line_ends(tmp_path):
    text = 'text,label\r\n"Fever, ""high""\r\nand\n cough",a\r\n\r\nx,b\r\n'
    records = read(write(tmp_path, {"a.csv": text}))
    assert [record.example.text for record in records] == ['Fever, "high"\r\nand\n cough', "x"]
    assert [record.place for record in records] == ["a.csv:2", "a.csv:6"]


def test_a_quote_is_a_character_in_tsv(tmp_path):
    assert one(tmp_path, 'text\tlabel\n"Fever\ta\n', "tsv").example.text == '"Fever'


@pytest.mark.parametrize(("strip", "kept"), [(False, " C\u3000"), (True, "C")])
def test_white_space_around_a_text_goes_only_where_params_say_so(tmp_path, strip, kept):
    assert one(tmp_path, "text,label\n C\u3000,a\n", strip=strip).example.text == kept


@pytest.mark.parametrize("format_", ["csv", "tsv"])
def test_crlf_and_a_byte_order_mark_are_no_part_of_cells(tmp_path, format_):
    text = "text,label\nFever,a\n".replace(",", {"csv": ",", "tsv": "\t"}[format_])
    plain = one(tmp_path / "x", text, format_)
    assert one(tmp_path / "y", "\ufeff" + text.replace("\n", "\r\n"), format_) == plain


@given(texts=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1))
@settings(max_examples=60)
def test_whatever_is_written_as_csv_is_read_back(tmp_path_factory, texts):
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
    writer.writerows([["text", "label"], *([text, "a"] for text in texts)])
    folder = write(tmp_path_factory.mktemp("csv"), {"a.csv": stream.getvalue()})
    assert [record.example.text for record in read(folder)] == texts


def test_a_row_of_parquet_is_that_of_csv(tmp_path):
    rows = {"text": ["Fever", "Cough"], "label": [True, False], "x": [0.1, None]}
    pq.write_table(pa.table(rows), write(tmp_path, {}) / "a.parquet")
    records = read(tmp_path, "parquet", target=("label", "x"))
    assert [record.example.target for record in records] == [
        {"label": "1", "x": "0.1"}, {"label": "0", "x": ""},
    ]  # fmt: skip
    assert [record.place for record in records] == ["a.parquet:1", "a.parquet:2"]


def latin(*texts):
    """A column that says it holds texts, and holds bytes of Latin-1."""
    return pa.array([text.encode("latin-1") for text in texts], pa.binary()).view(pa.string())


def parquet(tmp_path, **columns):
    pq.write_table(pa.table({"text": ["Fever", "Cough"], **columns}), write(tmp_path, {}) / "a.parquet")
    return tmp_path


NO_CELLS = {
    "list": [["a"], ["b"]],
    "struct": [{"a": 1}, {"a": 2}],
    "map": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
    "binary": [b"a", b"b"],
    "large_binary": pa.array([b"a", b"b"], pa.large_binary()),
    "fixed_size_binary": pa.array([b"a", b"b"], pa.binary(1)),
    "binary_view": pa.array([b"a", b"b"], pa.binary_view()),
    "binary in a dictionary": pa.array([b"a", b"b"]).dictionary_encode(),
}


@pytest.mark.parametrize("kind", NO_CELLS)
def test_a_used_column_of_parquet_whose_values_are_no_cells_is_named_with_its_type(tmp_path, kind):
    with pytest.raises(SourceError) as caught:
        read(parquet(tmp_path, label=NO_CELLS[kind]), "parquet")
    assert caught.value.place == "a.parquet:1"
    assert caught.value.problem.startswith(f"column 'label' holds {kind.partition(' ')[0]}")
    assert len(str(caught.value).splitlines()) == 1


def test_a_used_column_of_parquet_with_other_bytes_than_utf8_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"^a\.parquet:1: a text in it is not UTF-8; ") as caught:
        read(parquet(tmp_path, label=latin("fièvre", "toux")), "parquet")
    assert "toux" not in str(caught.value)


@pytest.mark.parametrize("kind", [*NO_CELLS, "not UTF-8"])
def test_what_columns_hold_that_nobody_uses_is_nobodys_business(tmp_path, kind):
    other = {**NO_CELLS, "not UTF-8": latin("fièvre", "toux")}[kind]
    records = read(parquet(tmp_path, other=other, label=["a", "b"]), "parquet")
    assert [record.example.target for record in records] == [{"label": "a"}, {"label": "b"}]


def test_two_columns_of_parquet_that_nobody_uses_may_have_one_name(tmp_path):
    columns = [pa.array(one) for one in ([1, 2], [3, 4], ["Fever", "Cough"], ["a", "b"])]
    table = pa.table(columns, names=["x", "x", "text", "label"])
    pq.write_table(table, write(tmp_path, {}) / "a.parquet")
    assert [record.example.target for record in read(tmp_path, "parquet")] == [{"label": "a"}, {"label": "b"}]


@pytest.mark.parametrize(
    ("format_", "text", "line", "problem"),
    [
        ("csv", "", 1, "no record"),
        ("csv", "text,label\n", 1, "no record"),
        ("csv", "text,label\nfever,a\nfever\n", 3, "1 columns, where the first line of the file has 2"),
        ("csv", "text,label\nfever,a,b\n", 2, "3 columns"),
        ("csv", 'text,label\n"a\nb",x\nfever,a,b\n', 4, "3 columns"),
        ("csv", "texts,label\nfever,a\n", 1, "no column is called 'text'"),
        ("csv", "text,text,label\nfever,a,b\n", 1, "more than one column is called 'text'"),
        ("csv", 'text,label\n"fever"x,a\n', 2, "not a row of CSV"),
        ("csv", 'text,label\nx,a\n"fever,a\n', 3, "not a row of CSV"),
        ("csv", "text,label\nfe\rver,a\n", 2, "not a row of CSV"),
        ("csv", b"text,label\n\xe9,a\n", 2, "not UTF-8"),
        ("csv", "text,label\nfever\0,a\n", 2, "NUL"),
        ("tsv", "text\tlabel\nfever\ta\tb\n", 2, "3 columns"),
        ("parquet", b"PAR1 fever", 1, "not a whole parquet file"),
    ],
)
def test_an_illegal_line_is_named_without_its_text(tmp_path, format_, text, line, problem):
    with pytest.raises(SourceError) as caught:
        read(write(tmp_path, {f"a.{format_}": text}), format_)
    assert caught.value.place == f"a.{format_}:{line}"
    assert problem in caught.value.problem
    assert "fever" not in str(caught.value)


@pytest.mark.parametrize("column", ["id", "group"])
def test_an_empty_id_or_group_is_named(tmp_path, column):
    with pytest.raises(SourceError, match=r"a\.csv:2: its id or group is empty"):
        one(tmp_path, "text,label,name\nfever,a, \n", **{column: "name"})


def test_a_number_beyond_the_columns_is_named(tmp_path):
    with pytest.raises(SourceError, match="names number 2"):
        one(tmp_path, "a,b\n", header=False, text=2, target=(0,))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"text": "label"}, "columns of their own"),
        ({"target": ("a", "a")}, "columns of their own"),
        ({"header": False}, "no names"),
    ],
)
def test_a_section_that_contradicts_itself_is_refused(changes, problem):
    with pytest.raises(ValueError, match=problem):
        table_section(**changes)


def test_a_split_by_scaffold_takes_no_other_groups():
    section = table_section().model_dump()
    split = {"by": "scaffold", "train": 0.8, "validation": 0.1, "test": 0.1}
    assert Preprocess.model_validate({**section, "split": split}).split.by == "scaffold"
    table = {**section["table"], "group": "patient"}
    with pytest.raises(ValueError, match="by scaffold"):
        Preprocess.model_validate({**section, "split": split, "table": table})
