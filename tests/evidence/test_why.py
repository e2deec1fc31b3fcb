"""clintune why: what made a stage stale is named down to the line, the file and the package."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from clintune.cli.why import why
from clintune.errors import UserError
from clintune.evidence.changes.staleness import Last
from clintune.tracking.home import Home
from tests.evidence.rerunning import item, ledger_of, run_again
from tests.planting import planted
from tests.project import Project

pytestmark = pytest.mark.pipeline

CODE = "src/clintune/ingesting.py"


@pytest.fixture(scope="module")
def whole(finished: Project, tmp_path_factory) -> Project:
    project = finished.copy(tmp_path_factory.mktemp("stale") / "project")
    project.commit("what came out")
    return project


@pytest.fixture
def project(whole: Project, monkeypatch) -> Iterator[Project]:
    """As it ran; code, params, dvc.lock and the ledger are restored after each test."""
    monkeypatch.chdir(whole.root)
    ledger = ledger_of(whole).file
    before = ledger.read_bytes()
    yield whole
    ledger.write_bytes(before)
    whole.run("git", "checkout", "-q", ".")


@pytest.fixture
def rewrite() -> Iterator[object]:
    """Change files that git does not know; they are put back."""
    before: dict[Path, bytes] = {}

    def write(path: Path, content: bytes) -> None:
        before[path] = path.read_bytes()
        path.unlink()
        path.write_bytes(content)

    yield write
    for path, content in before.items():
        path.write_bytes(content)


def last(project: Project) -> Last:
    return Last(Path(), Home(project.root / ".clintune"))


def test_lines_keys_and_files_are_named_and_those_after_will_run(project, rewrite):
    file, summary = project.root / CODE, project.root / "data/windows/summary.json"
    lines = file.read_text().splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("def "))
    file.write_text("\n".join([*lines[:place], "STEPS = 3", *lines[place:]]) + "\n# the end\n")
    rewrite(summary, summary.read_bytes() + b" ")
    project.params({"export": {"name": "another"}})
    found = why(Path(), Home(project.root / ".clintune"), None)
    assert found.stale == {
        "ingest": [f"dep {CODE} modified", f"{CODE}:{place + 1}: + STEPS = 3",
                   f"{CODE}:{len(lines) + 2}: + # the end"],
        "preprocess": ["because ingest will run"],
        "pretrain": ["because preprocess will run"],
        "tokenize": ["out data/windows modified", "data/windows/summary.json: changed",
                     "because preprocess, pretrain will run"],
        "train": ["because preprocess, pretrain, tokenize will run"],
        "evaluate": ["dep data/windows/summary.json modified",
                     "because preprocess, tokenize, train will run"],
        "export": ['params.yaml: export.name "clintune-synthetic" -> "another"',
                   "because preprocess, train, evaluate will run"],
    }  # fmt: skip
    done = project.run("clintune", "why", "preprocess", "--json")
    assert json.loads(done.stdout) == {"stale": {"preprocess": ["because ingest will run"]}, "notes": []}


def test_a_changed_line_is_shown_as_it_was_and_as_it_is_and_long_ones_are_cut(project):
    file = project.root / CODE
    text = file.read_text()
    first = next(line for line in text.splitlines() if line.startswith("from "))
    file.write_text(text.replace(first, "import this", 1) + f"# {'x' * 200}\n")
    found = last(project).details("ingest", CODE)
    place = text.splitlines().index(first) + 1
    assert found[0] == f"{CODE}:{place}: - {first} / + import this"
    assert found[1].endswith(f": + # {'x' * 69}…")


def test_of_many_places_the_first_are_shown_and_the_others_counted(project):
    file = project.root / CODE
    lines = file.read_text().splitlines()
    file.write_text("\n".join(f"{line}  #" if number % 9 == 0 else line for number, line in enumerate(lines)))
    found = last(project).details("ingest", CODE)
    assert len(found) == 5
    assert re.fullmatch(rf"{re.escape(CODE)}: \d+ more places", found[-1])


def test_a_text_that_only_a_dirty_tree_had_is_said_to_be_gone(project):
    def ran_dirty(record):
        record["code"]["dirty"] = True
        item(record, "deps", CODE)["md5"] = "0" * 32
        record["inputs"][CODE]["sha256"] = "0" * 64

    run_again(project, {"ingest": ran_dirty}, name="dirty")
    assert last(project).details("ingest", CODE) == [
        f"{CODE}: the old text is not kept: it ran with changes that no commit has"
    ]


def test_a_raw_file_is_counted_and_not_named(project, rewrite):
    names = planted(project)
    raw = project.root / "data/raw/files"
    rewrite(raw / "notes.jsonl", b"{}\n")
    added = raw / "Zebedee Quillfeather.jsonl"
    added.write_text("[]\n")
    found = last(project).details("preprocess", "data/raw")
    added.unlink()
    assert found == ["files added: 1, SHA-256 37517e5f", "files changed: 1, SHA-256 ca3d163b"]
    assert not [word for words in names.values() for word in words if word in "\n".join(found)]


def test_another_version_of_a_package_is_a_note_for_dvc_does_not_look_at_it(project):
    def with_an_old_torch(record):
        record["environment"]["distributions"]["torch"]["version"] = "2.12.0"
        record["environment"]["distributions"]["clintune"] = {"version": "0.0.1", "record_sha256": ""}

    assert last(project).notes() == []
    run_again(project, {"train": with_an_old_torch, "evaluate": with_an_old_torch}, name="old")
    [note] = last(project).notes()
    assert re.fullmatch(
        r"train, evaluate: made with torch 2\.12\.0, here is 2\.13\.\S+: not stale for DVC", note
    )
    found = why(Path(), Home(project.root / ".clintune"), None)
    assert found.lines() == ["Nothing is stale.", f"note: {note}"]


def test_what_dvc_cannot_read_is_one_line_and_a_value_that_json_does_not_know_is_shown(project):
    file, raw, aside = project.root / "params.yaml", project.root / "data/raw", project.root / "data/aside"
    text = file.read_text()
    file.write_text(re.sub("(?m)^seed: .*", "seed: 2026-01-01", text))
    with pytest.raises(UserError, match="Unsupported value of type 'date'"):
        why(Path(), Home(project.root / ".clintune"), None)
    file.write_text(re.sub("(?m)^seed: .*", "seed: !!binary aGk=", text))
    assert (
        "params.yaml: seed 17 -> \"b'hi'\""
        in why(Path(), Home(project.root / ".clintune"), None).stale["train"]
    )
    file.write_text(text)
    raw.rename(aside)
    raw.symlink_to("nowhere")
    try:
        with pytest.raises(UserError, match="No such file or directory"):
            why(Path(), Home(project.root / ".clintune"), None)
    finally:
        raw.unlink()
        aside.rename(raw)


def test_before_the_first_run_each_stage_says_so(project):
    (project.root / "dvc.lock").unlink()
    found = why(Path(), Home(project.root / ".clintune"), "ingest")
    assert found.stale == {"ingest": ["it has never run here"]}
    assert found.notes == []
