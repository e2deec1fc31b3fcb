import hashlib
import json
import tracemalloc

import pyarrow.parquet as pq
import pytest

from clintune.errors import DataError, SourceError
from clintune.examples import SPLITS, Example, Span
from clintune.files import read_json
from clintune.ingesting import ingest
from clintune.params import SplitByFile, SplitByHash
from clintune.preprocessing import checking, describe, metrics, preprocess
from clintune.preprocessing.splitting import split_of_group
from clintune.tables import SPANS, read_examples
from clintune.tasks.admission import Fault
from clintune.tasks.entities import intake
from clintune.tasks.entities.intake import SpanIntake
from clintune.tasks.intakes import INTAKES
from tests.corpora import by_file, files_at, reading, write

INTAKE = INTAKES["entities"]


def row(number, **changes):
    sound = {
        "id": f"n{number}", "group": f"p{number}", "text": "Fever and cough",
        "spans": [{"start": 0, "end": 5, "label": "Symptom", "text": "Fever"}],
    }  # fmt: skip
    return sound | changes


SOUND = [row(number, split=split) for number, split in enumerate(SPLITS)]


def examples_of(tmp_path, rows=(), section=None, files=None, seed=1):
    """Ingest and preprocess rows of JSON lines, or files."""
    text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows)
    write(tmp_path / "corpus", files or {"a.jsonl": text})
    ingest(files_at(tmp_path / "corpus"), seed=seed, raw=tmp_path / "raw")
    return preprocess(
        section or reading("jsonl", max_quarantined=1.0),
        seed=seed, intake=INTAKE, raw=tmp_path / "raw", examples=tmp_path / "examples",
    )  # fmt: skip


def kept(tmp_path, split):
    return list(read_examples(tmp_path / f"examples/{split}.parquet", SPANS))


def quarantine(tmp_path):
    return pq.read_table(tmp_path / "examples/quarantine.parquet").to_pylist()


def test_a_sound_record_becomes_an_example_with_every_character_kept(tmp_path):
    text = "\ufeffFever\r\nand\u0085\tC\u0301\u3000🧬 "
    spans = [{"start": 1, "end": 6, "label": "Symptom", "text": "Fever"}]
    examples_of(tmp_path, [*SOUND, row(7, split="train", text=text, spans=spans, attributes={"sex": "f"})])
    assert kept(tmp_path, "train")[1] == Example(
        "n7", "p7", text, (Span(1, 6, "Symptom"),), {"sex": "f"}
    )  # fmt: skip


def test_spans_are_sorted_and_one_that_is_said_twice_is_kept_once(tmp_path):
    spans = [{"start": 10, "end": 15, "label": "S"}, {"start": 0, "end": 5, "label": "S"}]
    summary = examples_of(tmp_path, [*SOUND, row(7, split="train", spans=spans + spans[:1])])
    assert kept(tmp_path, "train")[1].target == (Span(0, 5, "S"), Span(10, 15, "S"))
    assert summary["splits"]["train"]["spans_repeated"] == 1


def test_a_discontinuous_span_is_kept_and_counted(tmp_path):
    spans = [{"start": 0, "end": 15, "label": "S", "text": "Fever cough", "gaps": [[5, 10]]}]
    summary = examples_of(tmp_path, [*SOUND, row(7, split="train", spans=spans)])
    assert kept(tmp_path, "train")[1].target == (Span(0, 15, "S", ((5, 10),)),)
    assert summary["splits"]["train"]["discontinuous"] == 1


def span(start, end, **more):
    return [{"start": start, "end": end, "label": "Symptom"} | more]


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"text": ""}, "empty_text", "0 characters"),
        ({"text": " \u3000\n"}, "empty_text", "3 characters"),
        ({"text": "Fever\0"}, "nul_character", "at 5"),
        ({"spans": span(0, 5, label="Drug")}, "unknown_label", "Drug at 0-5"),
        ({"spans": span(5, 5)}, "span_empty", "5-5"),
        ({"spans": span(9, 5)}, "span_empty", "9-5"),
        ({"spans": span(-2, 3)}, "span_outside_text", "-2-3"),
        ({"spans": span(0, 16)}, "span_outside_text", "0-16"),
        ({"spans": span(0, 10**12)}, "span_outside_text", "0-1000000000000"),
        ({"spans": span(0, 9, gaps=[[0, 3]])}, "gap_outside_span", "0-9"),
        ({"spans": span(0, 9, gaps=[[3, 12]])}, "gap_outside_span", "0-9"),
        ({"spans": span(0, 9, gaps=[[5, 7], [3, 4]])}, "gap_outside_span", "0-9"),
        ({"spans": span(0, 5) + span(1, 6, text="Fever")}, "text_mismatch", "1-6"),
        ({"spans": span(0, 15, gaps=[[5, 10]], text="Fevercough")}, "text_mismatch", "0-15"),
        ({"id": "n0"}, "duplicate_id", ""),
        ({"group": "p0", "split": "test"}, "group_in_two_splits", "train and test"),
    ],
)
def test_a_broken_record_is_set_aside_with_its_reason(tmp_path, changes, reason, detail):
    section = reading("jsonl", labels={"Symptom": "Symptom"}, max_quarantined=1.0)
    broken = row(7, split="train") | changes
    summary = examples_of(tmp_path, [*SOUND, broken], section)
    assert reason in checking.REASONS | intake.REASONS
    assert quarantine(tmp_path) == [
        {
            "id": broken["id"],
            "place": "a.jsonl:4",
            "split": broken["split"],
            "reason": reason,
            "detail": detail,
        }
    ]
    assert summary["reasons"] == {reason: 1}
    assert summary["records"] == {"in": 4, "kept": 3, "quarantined": 1, "left_out": 0}


def test_every_reason_of_the_table_is_tested_above():
    cases = test_a_broken_record_is_set_aside_with_its_reason.pytestmark[0].args[1]
    assert {reason for _, reason, _ in cases} == {*checking.REASONS, *intake.REASONS} - {"unparsable_smiles"}


@pytest.mark.parametrize(("text", "quoted"), [("Fever", "Fever  "), ("Fever ", "Fever"), ("a\nb", "a b")])
def test_blanks_at_the_end_and_line_breaks_are_no_mismatch(tmp_path, text, quoted):
    spans = span(0, len(text), text=quoted)
    assert examples_of(tmp_path, [*SOUND, row(7, text=text, spans=spans)])["records"]["quarantined"] == 0


def test_a_record_that_was_set_aside_holds_no_claim_on_its_id(tmp_path):
    summary = examples_of(tmp_path, [*SOUND, row(7, split="train", text=""), row(7, split="train")])
    assert summary["reasons"] == {"empty_text": 1}


def test_labels_are_renamed_and_null_leaves_a_span_out(tmp_path):
    spans = span(0, 5, label="A") + span(6, 9, label="B") + span(10, 15, label="C")
    section = reading("jsonl", labels={"A": "X", "B": None, "C": "X"})
    rows = [row(number, split=split, spans=spans) for number, split in enumerate(SPLITS)]
    summary = examples_of(tmp_path, rows, section)
    assert kept(tmp_path, "test")[0].target == (Span(0, 5, "X"), Span(10, 15, "X"))
    assert summary["labels"] == ["X"]
    assert summary["splits"]["test"]["spans_left_out"] == 1


def test_two_labels_that_become_one_make_one_span_of_one_place(tmp_path):
    section = reading("jsonl", labels={"A": "X", "B": "X", "Symptom": "X"})
    rows = [*SOUND, row(7, split="test", spans=span(0, 5, label="A") + span(0, 5, label="B"))]
    examples_of(tmp_path, rows, section)
    assert kept(tmp_path, "test")[1].target == (Span(0, 5, "X"),)


def test_the_labels_of_all_splits_are_sorted(tmp_path):
    rows = [
        row(i, split=s, spans=span(0, 5, label=label))
        for i, s, label in zip(range(3), SPLITS, "bAc", strict=True)
    ]
    assert examples_of(tmp_path, rows)["labels"] == ["A", "b", "c"]


def test_in_is_kept_and_quarantined_in_every_split(tmp_path):
    rows = [row(number, **({"text": ""} if number % 7 == 0 else {})) for number in range(300)]
    summary = examples_of(tmp_path, [*rows, *rows[:50]])
    for counts in [summary["splits"][split] for split in SPLITS]:
        assert counts["in"] == counts["examples"] + sum(counts["quarantined"].values())
    assert sum(counts["in"] for counts in summary["splits"].values()) == 350 == summary["records"]["in"]
    assert len(quarantine(tmp_path)) == summary["records"]["quarantined"] == sum(summary["reasons"].values())


def test_the_summary_on_disk_is_what_is_returned(tmp_path):
    summary = examples_of(tmp_path, SOUND)
    assert read_json(tmp_path / "examples/summary.json") == summary


def test_the_summary_counts_what_the_splits_hold(tmp_path):
    rows = [
        row(1, split="train", group="p", attributes={"sex": "f"}),
        row(2, split="train", group="p", attributes={"sex": "m"}),
        row(3, split="validation"), row(4, split="test"),
    ]  # fmt: skip
    assert examples_of(tmp_path, rows)["splits"]["train"] == {
        "in": 2, "examples": 2, "quarantined": {}, "groups": 1, "characters": 30, "spans": {"Symptom": 2},
        "discontinuous": 0, "spans_left_out": 0, "spans_repeated": 0,
        "attributes": {"sex": {"f": 1, "m": 1}},
    }  # fmt: skip


def test_an_attribute_with_a_value_per_record_is_not_counted(tmp_path):
    rows = [row(n, split="train", attributes={"sex": "f", "visit": str(n)}) for n in range(10, 1200)]
    attributes = examples_of(tmp_path, [*SOUND, *rows])["splits"]["train"]["attributes"]
    assert attributes == {"sex": {"f": 1190}, "visit": None}


def test_every_output_is_the_same_bytes_for_the_same_records(tmp_path):
    rows = [row(number, attributes={"b": "x", "a": str(number)}) for number in range(50)]
    for folder in ("x", "y"):
        examples_of(tmp_path / folder, rows)
    for path in sorted((tmp_path / "x/examples").iterdir()):
        assert path.read_bytes() == (tmp_path / "y/examples" / path.name).read_bytes(), path.name


def test_a_new_record_moves_no_old_one(tmp_path):
    rows = [row(number) for number in range(100)]
    examples_of(tmp_path / "x", rows[::2])
    examples_of(tmp_path / "y", [row(999), *reversed(rows)])
    for split in SPLITS:
        assert {one.id for one in kept(tmp_path / "x", split)} <= {
            one.id for one in kept(tmp_path / "y", split)
        }


def test_a_group_lies_in_one_split(tmp_path):
    examples_of(tmp_path, [row(number, group=f"p{number % 20}") for number in range(200)])
    groups = [{one.group for one in kept(tmp_path, split)} for split in SPLITS]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 20


def test_the_seed_changes_the_split_and_the_share_holds():
    by = SplitByHash(by="hash", train=0.7, validation=0.1, test=0.2)
    splits = {seed: [split_of_group(f"p{number}", by, seed) for number in range(10_000)] for seed in (1, 2)}
    assert splits[1] != splits[2]
    assert [splits[1].count(split) / 10_000 for split in SPLITS] == pytest.approx([0.7, 0.1, 0.2], abs=0.015)


def test_the_split_of_a_group_is_fixed_for_good():
    by = SplitByHash(by="hash", train=0.5, validation=0.25, test=0.25)
    height = int(hashlib.sha256(b"17:p1").hexdigest()[:16], 16) / 2**64
    assert split_of_group("p1", by, 17) == (
        "train" if height < 0.5 else "validation" if height < 0.75 else "test"
    )


def test_files_decide_the_split_and_others_are_left_out_and_counted(tmp_path):
    files = {f"{name}.tsv": "a\tB-X\n\nb\tO\n" for name in ("train1", "train2", "dev", "test", "sample")}
    summary = examples_of(tmp_path, section=reading("conll", split=by_file()), files=files)
    assert [summary["splits"][split]["examples"] for split in SPLITS] == [4, 2, 2]
    assert summary["records"] == {"in": 8, "kept": 8, "quarantined": 0, "left_out": 2}


def test_a_pattern_runs_through_folders(tmp_path):
    files = {f"{name}/deep/a.tsv": "a\tB-X\n" for name in ("train", "dev", "test")}
    summary = examples_of(
        tmp_path, section=reading("conll", split=by_file("train/*", "dev/*", "test/*")), files=files
    )
    assert summary["records"]["kept"] == 3


def test_a_file_that_two_patterns_fit_is_named(tmp_path):
    files = {f"{name}.tsv": "a\tB-X\n" for name in ("train", "dev", "test")}
    with pytest.raises(
        DataError, match=r"^train\.tsv: the patterns of train and validation .* fit this file"
    ):
        examples_of(tmp_path, section=reading("conll", split=by_file("t*n*", "*a*", "test*")), files=files)


def test_the_split_that_a_record_names_goes_before_its_hash_and_its_file(tmp_path):
    for section in (reading("jsonl"), reading("jsonl", split=by_file("a*", "b*", "c*"))):
        summary = examples_of(tmp_path, SOUND, section)
        assert [summary["splits"][split]["examples"] for split in SPLITS] == [1, 1, 1]


def test_too_many_broken_records_stop_the_stage_with_count_place_and_reasons(tmp_path):
    rows = [*SOUND, row(7, text=""), row(8, spans=span(0, 5, text="cough")), row(9, text="")]
    with pytest.raises(DataError) as caught:
        examples_of(tmp_path, rows, reading("jsonl", max_quarantined=0.4))
    assert caught.value.place == "a.jsonl:4 empty_text 0 characters"
    assert caught.value.recorded.startswith("in the corpus (place not recorded): 3 of 6 records are broken")
    assert "3 of 6 records are broken (empty_text 2, text_mismatch 1)" in caught.value.problem
    assert "preprocess.max_quarantined" in caught.value.next_step
    assert "cough" not in str(caught.value)
    assert not list(tmp_path.glob("*examples*"))


def test_as_many_broken_records_as_allowed_do_not_stop_it(tmp_path):
    rows = [*SOUND, row(7, text="")]
    assert examples_of(tmp_path, rows, reading("jsonl", max_quarantined=0.25))["records"]["quarantined"] == 1


@pytest.mark.parametrize("empty", SPLITS)
def test_a_split_without_a_record_stops_the_stage(tmp_path, empty):
    with pytest.raises(DataError, match=f"no record of 2 is left for {empty}"):
        examples_of(tmp_path, [one for one in SOUND if one["split"] != empty])


def test_where_files_decide_it_is_a_pattern_that_fits_nothing(tmp_path):
    by = SplitByFile(by="file", train="a.jsonl", validation="b.jsonl", test="c.jsonl")
    rows = [row(one) for one in range(9)]
    with pytest.raises(DataError, match=r"no record of 9 is left for validation; mend its pattern$"):
        examples_of(tmp_path, rows, reading("jsonl", split=by))


def test_a_corpus_of_one_group_is_told_so(tmp_path):
    by = SplitByHash(by="hash", train=0.7, validation=0.1, test=0.2)
    with pytest.raises(DataError, match="of 1 groups, and a group lies in one split; bring records of more"):
        examples_of(tmp_path, [row(one, group="p") for one in range(9)], reading("jsonl", split=by))


def test_a_corpus_without_a_record_stops_the_stage(tmp_path):
    with pytest.raises(DataError, match="no record for it"):
        examples_of(tmp_path, section=reading("brat"), files={"README": "x"})


def test_a_changed_byte_in_the_raw_files_is_named(tmp_path):
    examples_of(tmp_path, SOUND)
    path = tmp_path / "raw/files/a.jsonl"
    path.write_bytes(path.read_bytes().replace(b"cough", b"couch"))
    with pytest.raises(SourceError, match=r"a\.jsonl: its bytes are not those"):
        preprocess(
            reading("jsonl"), seed=1, intake=INTAKE, raw=tmp_path / "raw", examples=tmp_path / "examples"
        )


def test_a_stage_that_stops_leaves_the_earlier_outputs_alone(tmp_path):
    examples_of(tmp_path, SOUND)
    before = {path.name: path.read_bytes() for path in (tmp_path / "examples").iterdir()}
    with pytest.raises(DataError):
        examples_of(tmp_path, SOUND[:2])
    assert {path.name: path.read_bytes() for path in (tmp_path / "examples").iterdir()} == before


class Sad(SpanIntake):
    def admit(self, record, labels):
        return Fault("too_sad", "")


def test_a_reason_of_the_task_is_taken_over(tmp_path):
    write(tmp_path / "corpus", {"a.jsonl": "\n".join(map(json.dumps, SOUND))})
    ingest(files_at(tmp_path / "corpus"), seed=1, raw=tmp_path / "raw")
    with pytest.raises(DataError, match="too_sad 3"):
        preprocess(
            reading("jsonl"), seed=1, intake=Sad(),
            raw=tmp_path / "raw", examples=tmp_path / "examples",
        )  # fmt: skip


def test_the_run_hears_of_counts_and_labels_and_no_text(tmp_path):
    summary = examples_of(tmp_path, [*SOUND, row(7, text="", split="train")])
    assert metrics(summary)["records.quarantined"] == metrics(summary)["quarantined.empty_text"] == 1
    assert metrics(summary)["train.spans"] == metrics(summary)["test.examples"] == 1
    assert "| spans: Symptom | 1 | 1 | 1 |" in describe(summary)
    assert "Fever" not in describe(summary)


def test_more_records_need_no_more_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("clintune.files.ROWS_AT_ONCE", 32)

    def peak(count):
        folder = tmp_path / str(count)
        with (write(folder, {"corpus/a.jsonl": ""}) / "corpus/a.jsonl").open("w") as stream:
            for number in range(count):
                stream.write(json.dumps(row(number, attributes={"sex": "f"})) + "\n")
        ingest(files_at(folder / "corpus"), seed=1, raw=folder / "raw")
        tracemalloc.start()
        try:
            preprocess(
                reading("jsonl"), seed=1, intake=INTAKE, raw=folder / "raw", examples=folder / "examples"
            )
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(300)  # what is imported or cached once is no part of the question
    assert peak(6000) < 1.2 * peak(300)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_split_in_which_no_record_is_annotated_is_one_line_before_training(tmp_path, split):
    """F1 on validation would be 0 whatever the weights, and the first ones would be kept."""
    rows = [one | ({"spans": []} if one["split"] == split else {}) for one in SOUND]
    with pytest.raises(DataError, match=f"none of the 1 records of {split} is annotated") as caught:
        examples_of(tmp_path, rows)
    assert caught.value.place == f"params.yaml: preprocess.split.{split}"


def test_a_test_split_in_which_no_record_is_annotated_is_for_the_report_to_say(tmp_path):
    rows = [one | ({"spans": []} if one["split"] == "test" else {}) for one in SOUND]
    assert examples_of(tmp_path, rows)["splits"]["test"]["spans"] == {}
