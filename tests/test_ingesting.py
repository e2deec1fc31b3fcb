import hashlib
import os

import pytest

from clintune.errors import SourceError
from clintune.files import read_json
from clintune.ingesting import describe, ingest, metrics
from clintune.params import Ingest, Synthetic
from tests.corpora import files_at, write

CONTENT = {"a.txt": "\ufeffFever\r\n\u0085", "sub/b.txt": b"\xff\0", "sub/c.ann": ""}


@pytest.fixture
def corpus(tmp_path):
    return write(tmp_path / "corpus", CONTENT)


def brought(tmp_path):
    files = tmp_path / "raw/files"
    return {
        path.relative_to(files).as_posix(): path.read_bytes() for path in files.rglob("*") if path.is_file()
    }


def refused(tmp_path, section, problem):
    with pytest.raises(SourceError, match=problem) as caught:
        ingest(section, seed=1, raw=tmp_path / "raw")
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir() if "raw" in path.name) == []
    return caught.value


def test_a_folder_comes_in_byte_for_byte(tmp_path, corpus):
    ingest(files_at(corpus), seed=1, raw=tmp_path / "raw")
    assert brought(tmp_path) == {
        name: text if isinstance(text, bytes) else text.encode() for name, text in CONTENT.items()
    }


def test_one_file_comes_in_under_its_name(tmp_path, corpus):
    ingest(files_at(corpus / "sub/b.txt"), seed=1, raw=tmp_path / "raw")
    assert brought(tmp_path) == {"b.txt": b"\xff\0"}


def test_include_chooses_files_at_any_depth(tmp_path, corpus):
    ingest(files_at(corpus, include=("*.txt",)), seed=1, raw=tmp_path / "raw")
    assert sorted(brought(tmp_path)) == ["a.txt", "sub/b.txt"]


def test_a_file_that_two_patterns_choose_comes_in_once(tmp_path, corpus):
    ingest(files_at(corpus, include=("a*", "*.txt")), seed=1, raw=tmp_path / "raw")
    assert sorted(brought(tmp_path)) == ["a.txt", "sub/b.txt"]


def test_hidden_files_stay_out(tmp_path, corpus):
    write(corpus, {".DS_Store": "x", ".git/a.txt": "x"})
    ingest(files_at(corpus), seed=1, raw=tmp_path / "raw")
    assert sorted(brought(tmp_path)) == sorted(CONTENT)


def test_the_corpus_is_only_read(tmp_path, corpus):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in corpus.rglob("*.txt")}
    ingest(files_at(corpus), seed=1, raw=tmp_path / "raw")
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in corpus.rglob("*.txt")} == before


def test_the_manifest_names_the_sums_and_no_place_of_this_machine(tmp_path, corpus):
    sums = ingest(files_at(corpus), seed=1, raw=tmp_path / "raw")
    text = (tmp_path / "raw/manifest.json").read_text(encoding="utf-8")
    assert (
        read_json(tmp_path / "raw/manifest.json")["files"]["sub/b.txt"]["sha256"] == sums["sub/b.txt"].sha256
    )
    assert sums["sub/b.txt"].sha256 == hashlib.sha256(b"\xff\0").hexdigest()
    assert str(tmp_path) not in text


def test_the_same_corpus_gives_the_same_bytes(tmp_path, corpus):
    once = ingest(files_at(corpus), seed=1, raw=tmp_path / "raw")
    first = (tmp_path / "raw/manifest.json").read_bytes()
    assert ingest(files_at(corpus), seed=2, raw=tmp_path / "raw") == once
    assert (tmp_path / "raw/manifest.json").read_bytes() == first


def test_what_lay_there_before_is_replaced(tmp_path, corpus):
    write(tmp_path / "raw/files", {"old.txt": "x"})
    ingest(files_at(corpus), seed=1, raw=tmp_path / "raw")
    assert "old.txt" not in brought(tmp_path)


def test_a_link_to_a_file_is_followed(tmp_path, corpus):
    outside = write(tmp_path / "outside", {"d.txt": "x"})
    (corpus / "link.txt").symlink_to(outside / "d.txt")
    ingest(files_at(corpus), seed=1, raw=tmp_path / "raw")
    assert brought(tmp_path)["link.txt"] == b"x"
    assert not (tmp_path / "raw/files/link.txt").is_symlink()


def test_a_corpus_may_be_a_link_itself(tmp_path, corpus):
    (tmp_path / "link").symlink_to(corpus)
    ingest(files_at(tmp_path / "link"), seed=1, raw=tmp_path / "raw")
    assert set(brought(tmp_path)) == set(CONTENT)


@pytest.mark.parametrize("target", ["../../outside", "..", ".", "../sub"])
def test_a_link_to_a_folder_is_named_wherever_it_leads(tmp_path, corpus, target):
    """DVC does not look into it: what changes there would change no hash."""
    write(tmp_path / "outside", {"d.txt": "x"})
    (corpus / "sub/link").symlink_to(target)
    assert refused(tmp_path, files_at(corpus), "a link to a folder: DVC").place == str(corpus / "sub/link")


@pytest.mark.parametrize("target", ["nowhere", "broken.txt"])
def test_a_link_to_nothing_is_named(tmp_path, corpus, target):
    (corpus / "broken.txt").symlink_to(target)
    assert refused(tmp_path, files_at(corpus), "neither file nor folder").place.endswith("broken.txt")


def test_a_pipe_is_named(tmp_path, corpus):
    os.mkfifo(corpus / "pipe")
    refused(tmp_path, files_at(corpus), "neither file nor folder")


def test_a_path_that_is_missing_is_named(tmp_path):
    error = refused(tmp_path, files_at(tmp_path / "nowhere"), "nowhere is no file or folder")
    assert error.place == "params.yaml: ingest.path"


def test_a_pattern_that_fits_nothing_is_named(tmp_path, corpus):
    error = refused(
        tmp_path, files_at(corpus, include=("*.txt", "*.tsv")), "'\\*.tsv' fits none of the 3 files"
    )
    assert error.place == "params.yaml: ingest.include"


def test_an_empty_folder_is_named(tmp_path):
    (tmp_path / "corpus").mkdir()
    refused(tmp_path, files_at(tmp_path / "corpus"), "none of the 0 files")


def test_sums_that_hold_are_accepted(tmp_path, corpus):
    sums = {"sub/b.txt": hashlib.sha256(b"\xff\0").hexdigest()}
    ingest(files_at(corpus, sha256=sums), seed=1, raw=tmp_path / "raw")


def test_a_wrong_sum_is_named_with_the_one_found(tmp_path, corpus):
    error = refused(tmp_path, files_at(corpus, sha256={"sub/b.txt": "0" * 64}), "not the one demanded")
    assert error.place == "params.yaml: ingest.sha256.sub/b.txt"
    assert hashlib.sha256(b"\xff\0").hexdigest() in error.problem


def test_a_sum_for_a_file_that_is_not_there_is_named(tmp_path, corpus):
    refused(tmp_path, files_at(corpus, sha256={"b.txt": "0" * 64}), "no such file")


@pytest.mark.parametrize("path", [".", "raw", "raw/files"])
def test_a_corpus_in_the_output_or_around_it_is_named(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"raw/files/a.txt": "x"})
    with pytest.raises(SourceError, match="overlap"):
        ingest(files_at(path), seed=1, raw=tmp_path / "raw")
    assert (tmp_path / "raw/files/a.txt").read_text() == "x"


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_a_file_name_that_is_no_utf8_is_named(tmp_path, corpus):
    (corpus / os.fsdecode(b"\xe9.txt")).write_text("x")
    refused(tmp_path, files_at(corpus), "not UTF-8").place.isascii()


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_file_without_the_right_to_read_it_is_named(tmp_path, corpus):
    (corpus / "a.txt").chmod(0)
    assert refused(tmp_path, files_at(corpus), "no right").place.endswith("a.txt")


def test_synthetic_notes_come_in_as_one_file(tmp_path):
    path = "src/clintune/sources/synthetic/vocabulary.yaml"
    section = Ingest(
        source="synthetic", path=path, include=("*",), sha256={},
        synthetic=Synthetic(patients=3, notes_per_patient=2, misspelled=0.1),
    )  # fmt: skip
    sums = ingest(section, seed=1, raw=tmp_path / "raw")
    assert list(sums) == ["notes.jsonl"]
    assert brought(tmp_path)["notes.jsonl"].count(b"\n") == 6


def test_the_run_hears_of_counts_and_no_file_name(tmp_path, corpus):
    section = files_at(corpus)
    sums = ingest(section, seed=1, raw=tmp_path / "raw")
    assert metrics(sums) == {"files": 3, "bytes": 14}
    assert "3 files, 14 bytes" in describe(section, sums)
    assert "b.txt" not in describe(section, sums)
