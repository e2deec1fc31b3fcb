import hashlib
import json

import pytest

from clintune.errors import SourceError
from clintune.sources.manifest import verify_manifest, write_manifest
from tests.corpora import write


def raw(tmp_path):
    write(tmp_path / "files", {"b.txt": "Fever", "a/ü.txt": b"\xff\0"})
    write_manifest(tmp_path)
    return tmp_path


def test_the_manifest_has_sum_and_size_of_every_file_and_nothing_else(tmp_path):
    content = json.loads((raw(tmp_path) / "manifest.json").read_text(encoding="utf-8"))
    assert content == {
        "files": {
            "a/ü.txt": {"sha256": hashlib.sha256(b"\xff\0").hexdigest(), "size": 2},
            "b.txt": {"sha256": hashlib.sha256(b"Fever").hexdigest(), "size": 5},
        }
    }


def test_the_manifest_is_the_same_bytes_for_the_same_files(tmp_path):
    once = (raw(tmp_path / "x") / "manifest.json").read_bytes()
    assert (raw(tmp_path / "y") / "manifest.json").read_bytes() == once


def test_files_as_they_came_are_accepted(tmp_path):
    verify_manifest(raw(tmp_path))


@pytest.mark.parametrize(
    ("harm", "place", "problem"),
    [
        (lambda raw: (raw / "files/b.txt").write_text("Fevfr"), "files/b.txt", "not those"),
        (lambda raw: (raw / "files/b.txt").unlink(), "files/b.txt", "missing"),
        (lambda raw: (raw / "files/c.txt").write_text("new"), "files/c.txt", "not in manifest"),
        (lambda raw: (raw / "files/c").symlink_to("nowhere"), "files/c", "not in manifest"),
        (lambda raw: (raw / "manifest.json").unlink(), "manifest.json", "missing"),
        (lambda raw: (raw / "manifest.json").write_text("{"), "manifest.json", "not what"),
        (lambda raw: (raw / "manifest.json").write_text("[]"), "manifest.json", "not what"),
        (lambda raw: (raw / "manifest.json").write_bytes(b"\xff"), "manifest.json", "not what"),
    ],
)
def test_any_difference_is_named_in_one_line(tmp_path, harm, place, problem):
    harm(raw(tmp_path))
    with pytest.raises(SourceError) as caught:
        verify_manifest(tmp_path)
    assert caught.value.place == str(tmp_path / place)
    assert problem in caught.value.problem
    assert "dvc repro" in caught.value.next_step
