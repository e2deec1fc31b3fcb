"""500 broken inputs: each is one line with place and next step, and nothing is lost or left half done."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from clintune.errors import DataError, ParamsError, SourceError, UserError
from clintune.examples import SPLITS
from clintune.ingesting import ingest
from clintune.params import load_params
from clintune.preprocessing import preprocess
from clintune.tables import SPANS, read_examples
from clintune.tasks.intakes import INTAKES
from tests.breaking import DOCUMENTS, LABELS, SHIPPED, TEXT, WORDS, broken_corpora, broken_params, sound
from tests.corpora import files_at, reading, write

FORMATS = ("jsonl", "pubtator", "brat", "conll")
PARAMS, CORPORA = broken_params(250), broken_corpora(250)
ROOT = Path(__file__).parents[1]


def names(cases):
    return [f"{number}-{case.name}" for number, case in enumerate(cases)]


def sums(folder):
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()
    }


def demand_one_line(line, case):
    assert "\n" not in line
    assert re.search(case.expected, line), line
    place, _, rest = line.partition(": ")
    problem, _, next_step = rest.rpartition("; ")
    assert place
    assert problem
    assert next_step
    assert not any(word in line for word in WORDS), "an error line must not quote a record"


def examples_of(tmp_path, format_):
    ingest(files_at(tmp_path / "corpus"), seed=1, raw=tmp_path / "raw")
    return preprocess(
        reading(format_, labels=LABELS), seed=2, intake=INTAKES["entities"],
        raw=tmp_path / "raw", examples=tmp_path / "examples",
    )  # fmt: skip


@pytest.mark.parametrize("case", PARAMS, ids=names(PARAMS))
def test_broken_params(tmp_path, case):
    path = write(tmp_path, case.files) / "params.yaml"
    with pytest.raises(ParamsError) as caught:
        load_params(path)
    assert caught.value.place.startswith(str(path))
    demand_one_line(str(caught.value), case)


@pytest.mark.parametrize("case", CORPORA, ids=names(CORPORA))
def test_broken_corpora(tmp_path, case):
    before = sums(write(tmp_path / "corpus", case.files))
    with pytest.raises((SourceError, DataError)) as caught:
        examples_of(tmp_path, case.name.partition(":")[0])
    demand_one_line(str(caught.value), case)
    assert any(caught.value.place.startswith(name) for name in [*case.files, "more.tar.gz"])
    assert not any(name in caught.value.recorded for name in [*case.files, "more.tar.gz"])
    assert sums(tmp_path / "corpus") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", "raw"]


def test_the_kinds_of_fault_are_many():
    assert len({case.name for case in CORPORA}) >= 70
    assert len({case.name.partition(" at ")[0] for case in PARAMS}) == 20


@pytest.mark.parametrize("format_", FORMATS)
def test_the_corpora_are_legal_before_they_are_broken(tmp_path, format_):
    write(tmp_path / "corpus", sound(format_))
    summary = examples_of(tmp_path, format_)
    assert summary["records"] == {"in": DOCUMENTS, "kept": DOCUMENTS, "quarantined": 0, "left_out": 0}


def said(tmp_path):
    for split in SPLITS:
        for example in read_examples(tmp_path / f"examples/{split}.parquet", SPANS):
            yield example.text, tuple(example.text[span.start : span.end] for span in example.target)


@pytest.mark.parametrize("format_", FORMATS)
def test_crlf_between_lines_is_legal(tmp_path, format_):
    for end in ("\n", "\r\n"):
        write(tmp_path / repr(end) / "corpus", sound(format_, end=end))
        examples_of(tmp_path / repr(end), format_)
    assert list(said(tmp_path / repr("\r\n"))) == list(said(tmp_path / repr("\n")))


@pytest.mark.parametrize("format_", ["jsonl", "pubtator", "conll"])
def test_a_byte_order_mark_before_lines_is_legal_and_no_text(tmp_path, format_):
    write(tmp_path / "corpus", {"corpus.txt": b"\xef\xbb\xbf" + sound(format_)["corpus.txt"]})
    examples_of(tmp_path, format_)
    assert not any("\ufeff" in text for text, _ in said(tmp_path))


@pytest.mark.parametrize("format_", ["jsonl", "brat"])
@pytest.mark.parametrize(
    "text", ["\ufeff" + TEXT, TEXT.replace("\n", "\r\n"), TEXT.replace(" ", "\u0085"), "\t" + TEXT + "\r\n"]
)
def test_what_the_offsets_count_is_kept_in_the_text(tmp_path, format_, text):
    write(tmp_path / "corpus", sound(format_, text=text))
    examples_of(tmp_path, format_)
    assert list(said(tmp_path)) == [(text, WORDS)] * DOCUMENTS


def run_stage(tmp_path, stage, *paths):
    """The stage as DVC starts it, in a folder of its own."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
    }
    arguments = [word for path in paths for word in (f"--{path}", path)]
    return subprocess.run(
        [sys.executable, "-m", f"pipeline.{stage}", *arguments],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def demand_exit(done, case):
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    demand_one_line(line, case)
    assert done.stdout == ""


@pytest.mark.pipeline
@pytest.mark.parametrize("case", PARAMS[::90], ids=names(PARAMS[::90]))
def test_broken_params_end_the_process_with_2_and_one_line(tmp_path, case):
    demand_exit(run_stage(write(tmp_path, case.files), "ingest", "raw"), case)
    assert not (tmp_path / "raw").exists()


FOR_PROCESS = [next(case for case in CORPORA[40:] if case.name.startswith(format_)) for format_ in FORMATS]


@pytest.mark.pipeline
@pytest.mark.parametrize("case", FOR_PROCESS, ids=names(FOR_PROCESS))
def test_broken_corpora_end_the_process_with_2_and_one_line(tmp_path, case):
    format_ = case.name.partition(":")[0]
    ingest(files_at(write(tmp_path / "corpus", case.files)), seed=1, raw=tmp_path / "raw")
    conll = "{scheme: iob2, separator: tab, token: 0, tag: 1, joiner: ' '}" if format_ == "conll" else "null"
    params = SHIPPED.read_text(encoding="utf-8")
    for old, new in [("format: jsonl", f"format: {format_}"), ("conll: null", f"conll: {conll}"),
                     ("labels: {}", "labels: {Symptom: Symptom}")]:  # fmt: skip
        assert old in params
        params = params.replace(old, new)
    write(tmp_path, {"params.yaml": params})
    demand_exit(run_stage(tmp_path, "preprocess", "raw", "examples"), case)
    assert not list(tmp_path.glob("*examples*"))


def test_an_error_line_stays_one_line_whatever_is_in_it():
    assert str(UserError("a\nb", "c\r\nd", "e\tf")) == "a b: c d; e f"
