"""Numbers and tables for other tools."""

import csv
import json
import posixpath
import re

from clintune.evaluation.outputs import flat, metrics, write_plots
from clintune.files import write_json
from tests.evaluation.documents import evaluation, example, prediction, spans

AWKWARD = ("a/b", "a_b", "..", "<script>", "疾病 1", "x" * 300)


def some(labels=("A", "B"), count=24):
    pairs = []
    for index in range(count):
        gold = spans(*((3 * number, 3 * number + 2, label) for number, label in enumerate(labels)))
        said = gold[index % 2 :]
        one = example(f"d{index}", gold, site=f"site {index % 2}")
        pairs.append((one, prediction(f"d{index}", said, [0.1 + 0.03 * index] * len(said))))
    return evaluation(pairs, inexpressible={"nested": 2})


def leaves(nested):
    for value in nested.values():
        yield from leaves(value) if isinstance(value, dict) else [value]


def rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_metrics_are_numbers_with_few_digits():
    for value in leaves(metrics(some())):
        assert type(value) in (int, float)
        assert value == round(value, 6)


def test_the_headline_has_its_interval_and_its_counts():
    found = metrics(some())
    assert found["strict"].keys() == {
        "precision", "recall", "f1", "correct", "predicted", "gold",
        "precision_low", "precision_high", "recall_low", "recall_high", "f1_low", "f1_high",
    }  # fmt: skip
    assert found["inexpressible"] == {"nested": 2}
    assert found["errors"].keys() == {"missed", "spurious", "wrong_boundary", "wrong_label", "wrong_both"}
    assert found["subgroup"]["site"].keys() == {"site 0", "site 1"}


def test_metrics_survive_json(tmp_path):
    write_json(tmp_path / "metrics.json", metrics(some(AWKWARD)))
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics(some(AWKWARD))


def test_names_for_mlflow_are_legal_and_none_is_lost():
    nested = metrics(some(AWKWARD))
    numbers = flat(nested)
    assert sorted(numbers.values()) == sorted(leaves(nested))
    for name in numbers:
        assert re.fullmatch(r"[/\w.\- ]{1,250}", name)
        assert posixpath.normpath(name) == name
    assert numbers["strict/f1"] == nested["strict"]["f1"]


def test_labels_and_subgroups_are_tables_of_the_same_numbers(tmp_path):
    found = some()
    write_plots(tmp_path / "plots", found)
    for row in rows(tmp_path / "plots/labels.csv"):
        expected = metrics(found)["label"][row.pop("label")]
        assert {name: float(value) for name, value in row.items()} == {name: expected[name] for name in row}
    assert [row["value"] for row in rows(tmp_path / "plots/subgroups.csv")] == ["site 0", "site 1"]


def test_confusion_has_a_row_for_each_pair(tmp_path):
    write_plots(tmp_path / "plots", some())
    pairs = [(row["actual"], row["predicted"]) for row in rows(tmp_path / "plots/confusion.csv")]
    assert pairs.count(("A", "A")) == 12
    assert pairs.count(("A", "(none)")) == 12
    assert pairs.count(("B", "B")) == 24


def test_reliability_counts_every_marked_mention_once(tmp_path):
    found = some()
    write_plots(tmp_path / "plots", found)
    table = rows(tmp_path / "plots/reliability.csv")
    assert sum(int(row["predicted"]) for row in table) == found.strict.counts.predicted


def test_lines_end_as_git_wants_them(tmp_path):
    write_plots(tmp_path / "plots", some())
    for path in (tmp_path / "plots").iterdir():
        assert b"\r" not in path.read_bytes()
        assert path.read_bytes().endswith(b"\n")
