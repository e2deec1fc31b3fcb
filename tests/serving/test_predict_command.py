"""clintune predict: documents in, one line each out, and one line for what it cannot read."""

import json
import os
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from clintune.cli import main
from tests.walk import note

ROOT = Path(__file__).parents[2]
NOTE = note(500)


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.setenv("CLINTUNE_THREADS", "1")


@pytest.fixture
def write(tmp_path):
    """A file of documents."""

    def file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return file


def line(**fields) -> str:
    return json.dumps(fields, ensure_ascii=False) + "\n"


def test_each_document_is_one_line_in_order(bundle, write, capsys):
    file = write("notes.jsonl", line(id="b", text=NOTE.text) + "\n" + line(id="a", text=""))
    assert main(["predict", str(bundle), str(file)]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert second == {"id": "a", "spans": []}
    assert first["id"] == "b"
    [span] = [one for one in first["spans"] if one["label"] == "Drug"]
    [gold] = NOTE.target
    assert (span["start"], span["end"], span["text"]) == (gold.start, gold.end, "aspirin")


def test_a_text_file_is_one_document_with_its_line_ends(bundle, write, capsys):
    file = write("note.txt", f"\ufeff\r\n{NOTE.text}\r\n")
    assert main(["predict", str(bundle), str(file)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["id"] == "note"
    assert [span["start"] for span in said["spans"]] == [NOTE.target[0].start + 3]


def test_a_byte_order_mark_before_lines_is_no_text(bundle, write, capsys):
    file = write("notes.jsonl", f"\ufeff{line(id='a', text=NOTE.text)}".replace("\n", "\r\n"))
    assert main(["predict", str(bundle), str(file)]) == 0
    [span] = json.loads(capsys.readouterr().out)["spans"]
    assert span["start"] == NOTE.target[0].start


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.jsonl", '{"id": "a", "text": "secret"', "notes.jsonl:1: not JSON from column"),
        ("notes.jsonl", line(id="a", text="fine") + "[]\n", "notes.jsonl:2: not a JSON object"),
        ("notes.jsonl", line(id="a"), "notes.jsonl:1: text is missing or not a text"),
        ("notes.jsonl", line(text="secret"), "notes.jsonl:1: id is missing or not a text"),
        ("notes.jsonl", line(id=3, text="secret"), "notes.jsonl:1: id is missing or not a text"),
        ("notes.jsonl", b'{"id": "a", "text": "\xff"}', "notes.jsonl:1: not UTF-8 (byte 22)"),
        ("notes.jsonl", '{"id": "a", "text": "secret \\ud83e"}', "notes.jsonl:1: half a surrogate pair"),
        ("notes.jsonl", "[" * 100_000, "notes.jsonl:1: not JSON"),
        ("note.txt", b"secret \xff", "note.txt: not UTF-8 (byte 8)"),
        ("note.docx", "secret", "note.docx: neither .txt nor .jsonl"),
    ],
)
def test_what_is_no_document_is_one_line_and_exit_code_2(bundle, write, capsys, name, content, said):
    assert main(["predict", str(bundle), str(write(name, content))]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert "secret" not in error


@pytest.mark.parametrize("name", ["nowhere.jsonl", "folder.txt"])
def test_a_file_that_cannot_be_read_is_one_line_and_exit_code_2(bundle, tmp_path, capsys, name):
    (tmp_path / "folder.txt").mkdir()
    assert main(["predict", str(bundle), str(tmp_path / name)]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_a_folder_that_is_no_bundle_is_one_line_and_exit_code_2(tmp_path, capsys):
    assert main(["predict", str(tmp_path), "-"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_documents_come_from_standard_input_too_and_torch_is_never_imported(bundle):
    program = (
        "import sys; from clintune.cli import main; code = main(sys.argv[1:]);"
        "print(sorted({'torch', 'transformers', 'mlflow', 'dvc'} & set(sys.modules)), code, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "predict", str(bundle), "-"], input=line(id="é", text=NOTE.text),
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, capture_output=True, encoding="utf-8",
        check=True,
    )  # fmt: skip
    assert done.stderr == "[] 0\n"
    assert json.loads(done.stdout)["id"] == "é"


@pytest.mark.parametrize("encoding", ["gbk", "ascii"])
def test_a_prediction_is_json_in_any_locale(bundle, write, monkeypatch, encoding):
    out = TextIOWrapper(BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["predict", str(bundle), str(write("notes.jsonl", line(id="病😀", text="")))]) == 0
    assert json.loads(out.buffer.getvalue().decode("utf-8")) == {"id": "病😀", "spans": []}


def test_a_bundle_at_a_path_that_is_not_utf_8_is_one_line(bundle, tmp_path, write, capsys):
    link = tmp_path / os.fsdecode(b"\xb2\xa1")
    link.symlink_to(bundle)
    assert main(["predict", str(link), str(write("note.txt", ""))]) == 2
    assert capsys.readouterr().err.endswith(": a path that is not UTF-8; rename the folder, or name the "
                                            "bundle from inside it\n")  # fmt: skip


def test_memory_does_not_hold_the_corpus(bundle):
    """The first line is there long before the last document is read."""
    from clintune.batching import WINDOWS_SORTED
    from clintune.serving import Document, load_bundle

    read = []

    def documents():
        for number in range(10 * WINDOWS_SORTED):
            read.append(number)
            yield Document(str(number), "aspirin")

    next(load_bundle(bundle)(documents()))
    assert len(read) < 3 * WINDOWS_SORTED
