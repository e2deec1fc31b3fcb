"""The spool: what a run says is on disk before anything else, and a dead run is closed by who comes next."""

import fcntl
import os

import pytest

from clintune.tracking import journal
from clintune.tracking.journal import (
    Artifact,
    Closed,
    Dataset,
    Headline,
    Journal,
    Metrics,
    Model,
    Opened,
    Params,
    Tags,
)

OPENED = Opened("20260101T000000-train-1", "train", 1000, {"dvc.kind": "stage"}, "host/1/2", None)


@pytest.fixture
def run(tmp_path):
    return Journal.open(tmp_path / "spool", OPENED, {"pipeline/params.yaml": b"seed: 1\n"})


def die(run: Journal) -> None:
    """What the kernel does for a process that is killed."""
    os.close(run._handle)


@pytest.mark.parametrize(
    "record",
    [
        OPENED,
        Opened("k", "n", 1, {}, "h/1/2", journal.Pipeline("h/1", "r", 1, {"a": "é\n"}, {"b": "1"}, "files")),
        Params({"train.epochs": "3"}),
        Tags({"mlflow.note.content": "| a |\n| b |"}),
        Metrics({"loss": 0.1 + 0.2}, 7, 12345),
        Headline({"strict/f1": 0.5}, 12345),
        Dataset("data/raw", "d41d8cd98f00b204e9800998ecf8427e.dir", "raw", {"size": 3}),
        Artifact("files/1/report.html", ""),
        Model("files/1/model", "ner", "candidate", "what it is", {}),
        Closed("FAILED", 99, "no test split"),
    ],
    ids=lambda record: type(record).__name__,
)  # fmt: skip
def test_a_record_is_one_line_and_comes_back_equal(record):
    line = journal.encode(record)
    assert line.count(b"\n") == 1
    assert journal.decode(line) == record


def test_a_run_has_its_first_record_and_its_files_as_soon_as_it_can_be_seen(run):
    assert journal.first_record(run.folder) == OPENED
    assert (run.folder / "pipeline" / "params.yaml").read_bytes() == b"seed: 1\n"


def test_a_living_run_is_left_alone(run):
    assert not journal.ended(run.folder)
    assert not journal.is_closed(run.folder)


def test_a_run_whose_process_is_gone_is_closed_as_killed_at_its_last_sign_of_life(run):
    run.write(Metrics({"loss": 1.0}, 1, 2000))
    die(run)
    os.utime(run.folder / "journal", (5, 5))
    assert journal.ended(run.folder)
    *_, (last, _) = journal.read(run.folder, 0)
    assert last == Closed("KILLED", 5000, "the process is gone")


def test_a_torn_last_line_is_neither_read_nor_kept(run):
    run.write(Metrics({"loss": 1.0}, 1, 2000))
    os.write(run._handle, b'{"kind": "Metrics", "val')
    assert len(list(journal.read(run.folder, 0))) == 2
    die(run)
    assert journal.ended(run.folder)
    assert [type(record) for record, _ in journal.read(run.folder, 0)] == [Opened, Metrics, Closed]


def test_a_closed_run_stays_as_it_was_closed(run):
    run.close(Closed("FINISHED", 7, ""))
    before = (run.folder / "journal").read_bytes()
    assert journal.ended(run.folder)
    assert journal.is_closed(run.folder)
    assert (run.folder / "journal").read_bytes() == before


def test_a_long_last_record_is_not_taken_for_the_end(run):
    run.write(Tags({"note": "x" * 100_000}))
    assert not journal.is_closed(run.folder)


def test_a_record_for_which_the_disk_has_no_room_leaves_no_part_of_itself(run, monkeypatch):
    whole, write = (run.folder / "journal").read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda handle, line: write(handle, line[:9]))
    with pytest.raises(OSError, match="no space"):
        run.write(Tags({"a": "b"}))
    assert (run.folder / "journal").read_bytes() == whole


def test_an_artifact_is_shown_as_it_was_when_it_was_named(run, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("first")
    kept = run.copy(path)
    path.write_text("second")
    assert (run.folder / kept).read_text() == "first"


def test_only_the_living_run_holds_its_journal(run):
    with (run.folder / "journal").open("rb") as stream, pytest.raises(BlockingIOError):
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
