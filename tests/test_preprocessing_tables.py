"""Rows of tables into examples: labels, several labels, numbers; splits by hash and by scaffold."""

import builtins

import pyarrow.parquet as pq
import pytest

from clintune.errors import DataError, UserError
from clintune.examples import SPLITS
from clintune.ingesting import ingest
from clintune.params import SplitByScaffold
from clintune.preprocessing import describe, metrics, preprocess
from clintune.preprocessing.scaffolds import Scaffolds
from clintune.tables import read_examples
from clintune.tasks.intakes import INTAKES
from clintune.tasks.multilabel.intake import REASONS
from tests.corpora import by_file, files_at, table_section, write

SCAFFOLD = SplitByScaffold(by="scaffold", train=0.8, validation=0.1, test=0.1)


def made(tmp_path, task, rows, *, header="text,label", **options):
    """One file per split with the same rows, their texts made different; or one file where others split."""
    files = {
        f"{split}.csv": "\n".join([header, *(f"{row}" for row in rows)]).replace("TEXT", split) + "\n"
        for split in ("train", "dev", "test")
    }
    return examined(tmp_path, task, files, split=by_file(), **options)


def examined(tmp_path, task, files, **options):
    write(tmp_path / "corpus", files)
    ingest(files_at(tmp_path / "corpus"), seed=1, raw=tmp_path / "raw")
    return preprocess(
        table_section(**options), seed=1, intake=INTAKES[task], raw=tmp_path / "raw",
        examples=tmp_path / "examples",
    )  # fmt: skip


def targets(tmp_path, task, split="train"):
    found = read_examples(tmp_path / f"examples/{split}.parquet", INTAKES[task].target)
    return [example.target for example in found]


def faults(tmp_path):
    rows = pq.read_table(tmp_path / "examples/quarantine.parquet").to_pylist()
    return [(row["place"], row["reason"]) for row in rows if row["split"] == "train"]


def test_a_label_is_renamed_and_null_leaves_the_record_out(tmp_path):
    rows = ["TEXT 1, 1 ", "TEXT 2,2", "TEXT 3,3"]
    summary = made(tmp_path, "classification", rows, labels={"1": "x", "2": None, "3": "y"})
    assert targets(tmp_path, "classification") == ["x", "y"]
    assert summary["labels"] == ["x", "y"]
    assert summary["records"] == {"in": 6, "kept": 6, "quarantined": 0, "left_out": 3}
    assert summary["splits"]["train"]["labels"] == {"x": 1, "y": 1}
    assert "| labels: x | 1 | 1 | 1 |" in describe(summary)
    assert metrics(summary)["train.labels"] == 2


def test_a_record_without_a_known_label_is_set_aside(tmp_path):
    made(tmp_path, "classification", ["TEXT 1,1", "TEXT 2, ", "TEXT 3,7"], labels={"1": "x"})
    assert faults(tmp_path) == [("train.csv:3", "missing_target"), ("train.csv:4", "unknown_label")]


def test_classification_has_one_column_of_labels(tmp_path):
    with pytest.raises(DataError, match="task multilabel"):
        made(tmp_path, "classification", ["TEXT,1,0"], header="text,a,b", target=("a", "b"))


def test_several_columns_say_which_labels_hold(tmp_path):
    rows = ["TEXT 1,1,0", "TEXT 2,0,0", "TEXT 3,1,1", "TEXT 4,1,", "TEXT 5,2,0"]
    summary = made(tmp_path, "multilabel", rows, header="text,b,a", target=("b", "a"))
    assert targets(tmp_path, "multilabel") == [("b",), (), ("a", "b")]
    assert faults(tmp_path) == [("train.csv:5", "missing_target"), ("train.csv:6", "not_binary")]
    assert summary["splits"]["train"]["labels"] == {"a": 1, "b": 2}


def test_one_column_lists_the_labels_that_hold(tmp_path):
    made(tmp_path, "multilabel", ["TEXT 1,b; a;b", "TEXT 2,"])
    assert targets(tmp_path, "multilabel") == [("a", "b"), ()]


def test_an_only_column_of_0_and_1_lists_no_labels_and_is_set_aside(tmp_path):
    """Its labels would be called 0 and 1, and a text with 0 would have one."""
    made(tmp_path, "multilabel", ["TEXT 1,1", "TEXT 2, 0 ", "TEXT 3,b", "TEXT 4,1;b", "TEXT 5,10"])
    assert faults(tmp_path) == [("train.csv:2", "not_listed"), ("train.csv:3", "not_listed")]
    assert targets(tmp_path, "multilabel") == [("b",), ("1", "b"), ("10",)]


def test_every_reason_of_several_labels_is_explained():
    assert REASONS.keys() == {"not_binary", "not_listed"}


def test_numbers_stand_in_the_order_of_their_names_and_an_empty_cell_is_not_known(tmp_path):
    rows = ["TEXT 1,1.5,2", "TEXT 2,,-3e2"]
    summary = made(
        tmp_path, "regression", rows, header="text,y,x", target=("y", "x"), labels={"y": "a", "x": "b"}
    )
    assert targets(tmp_path, "regression") == [(1.5, 2.0), (None, -300.0)]
    assert summary["labels"] == ["a", "b"]
    train = summary["splits"]["train"]
    assert (train["values"], train["lowest"]["b"], train["highest"]["b"]) == ({"a": 1, "b": 2}, -300.0, 2.0)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("nan", "not_finite"),
        ("-inf", "not_finite"),
        ("1e999", "not_finite"),
        ("x", "not_a_number"),
        ("1_000", "not_a_number"),
        ("", "missing_target"),
    ],
)
def test_what_is_no_number_is_set_aside(tmp_path, cell, reason):
    made(tmp_path, "regression", ["TEXT 1,1", f"TEXT 2,{cell}"])
    assert faults(tmp_path) == [("train.csv:3", reason)]


def test_equal_texts_never_lie_in_two_splits(tmp_path):
    rows = "".join(f"text {number % 50},{number % 3}\n" for number in range(400))
    summary = examined(tmp_path, "classification", {"a.csv": f"text,label\n{rows}"})
    texts = [
        {
            one.text
            for one in read_examples(tmp_path / f"examples/{split}.parquet", INTAKES["classification"].target)
        }
        for split in SPLITS
    ]
    assert sum(map(len, texts)) == len(set.union(*texts)) == 50
    assert summary["records"]["kept"] == 400


def test_the_most_frequent_scaffolds_go_to_train_and_ties_to_the_last_first():
    scaffolds = Scaffolds()
    for name, times in {"a": 4, "b": 2, "c": 1, "d": 1, "e": 2}.items():
        for _ in range(times):
            scaffolds.add(name)
    assert scaffolds.splits(SCAFFOLD) == {
        "a": "train", "e": "train", "b": "train", "d": "validation", "c": "test",
    }  # fmt: skip


def molecules():
    rings = ["c1ccccc1", "c1ccncc1", "C1CCCCC1", "c1ccsc1", "C1CCNCC1"]
    return [f"{'C' * (number % 7 + 1)}{rings[number % 13 % 5]}" for number in range(40)]


def test_molecules_of_one_scaffold_lie_in_one_split_and_the_unreadable_are_set_aside(tmp_path):
    pytest.importorskip("rdkit")
    rows = "".join(
        f"{smiles},{number}\n" for number, smiles in enumerate([*molecules(), "C(C", "xyz", "CCO"])
    )
    summary = examined(tmp_path, "regression", {"a.csv": f"text,label\n{rows}"}, split=SCAFFOLD)
    assert faults(tmp_path) == [("a.csv:42", "unparsable_smiles"), ("a.csv:43", "unparsable_smiles")]
    groups = [
        {
            one.group
            for one in read_examples(tmp_path / f"examples/{split}.parquet", INTAKES["regression"].target)
        }
        for split in SPLITS
    ]
    assert sum(map(len, groups)) == len(set.union(*groups))
    assert summary["splits"]["train"]["examples"] > 20


def test_rdkit_that_is_missing_is_one_line_with_the_remedy(tmp_path, monkeypatch):
    load = builtins.__import__

    def without(name, *rest):
        if name.startswith("rdkit"):
            raise ImportError(name)
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"RDKit.*not installed; pip install -e '\.\[molecules\]'"):
        examined(tmp_path, "regression", {"a.csv": "text,label\nC,1\n"}, split=SCAFFOLD)
