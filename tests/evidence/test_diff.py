"""clintune diff: the change record between two states, found again from git, dvc.lock and sealed records."""

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from clintune.errors import UserError
from clintune.evidence.changes.changing import changes
from clintune.evidence.changes.differing import Change
from clintune.evidence.changes.pairing import Difference
from clintune.evidence.changes.record import ChangeRecord
from clintune.tracking.home import Home
from tests.evidence.rerunning import item, newest, run_again
from tests.evidence.verification import run_quickly
from tests.planting import planted
from tests.project import Project
from tests.tracking.stores import client_of

pytestmark = pytest.mark.pipeline

CODE = "src/clintune/evaluation/evaluating.py"
PREDICTIONS = "data/evaluation/predictions.parquet"
PLAN = b"version: 3\nparams:\n  evaluate.level: {choices: [0.9, 0.95]}\n"


def sums(content: bytes) -> tuple[str, str]:
    return hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def project(finished: Project, tmp_path_factory) -> Project:
    """Tags: `first` as it ran; `second` with another level, line of code, package, answers and scores under a
    plan that came with it; `third` with other records and a dirty tree, under another plan."""
    project = finished.copy(tmp_path_factory.mktemp("changed") / "project")
    project.commit("what came out")
    project.run("git", "tag", "first")
    _second(project)
    _third(project)
    return project


def _second(project: Project) -> None:
    (project.root / "pccp.yaml").write_bytes(PLAN)
    code = project.root / CODE
    code.write_text(code.read_text().replace('"""', '"""Once more: ', 1) + "# the end\n")
    project.commit("another line, another level")
    head = project.run("git", "rev-parse", "HEAD").stdout.strip()

    def evaluate(record):
        record["lock"]["params"]["params.yaml"]["evaluate"]["level"] = 0.9
        record["code"]["commit"] = head
        record["by"] = "a colleague"
        item(record, "deps", CODE)["md5"], record["inputs"][CODE]["sha256"] = sums(code.read_bytes())
        torch = record["environment"]["distributions"]["torch"]
        torch["version"] = "2.99.0"
        del record["environment"]["distributions"]["numpy"]
        record["numeric_class"]["OMP_NUM_THREADS"] = "2"
        _answer_nothing(project, record)

    run_again(project, {"evaluate": evaluate}, name="execution two")
    project.commit("what came out then")
    project.run("git", "tag", "second")


def _answer_nothing(project: Project, record) -> None:
    """Another model's predictions, kept in DVC's cache alone."""
    table = pq.read_table(project.root / PREDICTIONS)
    rows = [row | {"target": [], "scores": []} for row in table.to_pylist()]
    draft = project.root / "draft.parquet"
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), draft)
    md5, sha256 = sums(draft.read_bytes())
    kept = project.root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    kept.parent.mkdir(exist_ok=True)
    draft.rename(kept)
    item(record, "outs", PREDICTIONS)["md5"], record["outputs"][PREDICTIONS]["sha256"] = md5, sha256
    for name in ("strict/f1", "label/Drug/f1"):
        record["reported"]["metrics"][name] = [[0, 0.0, 0]]


def _third(project: Project) -> None:
    (project.root / "pccp.yaml").write_bytes(PLAN.replace(b"0.9,", b""))

    def ingest(record):
        files = record["outputs"]
        files["data/raw/files/Zebedee Quillfeather.jsonl"] = files.pop("data/raw/files/notes.jsonl")
        files["data/raw/manifest.json"]["sha256"] = "2" * 64  # it goes by the files, and is none of them
        files["data/raw/files/Ysolde Omara.jsonl"] = {"sha256": "0" * 64, "size": 1}
        item(record, "outs", "data/raw")["md5"] = f"{'0' * 32}.dir"

    def preprocess(record):
        record["outputs"]["data/examples/test.parquet"]["sha256"] = "1" * 64
        record["reported"]["metrics"]["records.kept"] = [[0, 51.0, 0]]
        record["lock"]["params"]["params.yaml"]["preprocess"]["split"]["test"] = 0.3

    def evaluate(record):
        item(record, "deps", CODE)["md5"], record["inputs"][CODE]["sha256"] = sums(b"never committed")
        item(record, "outs", PREDICTIONS)["md5"], record["outputs"][PREDICTIONS]["sha256"] = sums(b"other")
        record["code"]["dirty"] = True

    run_again(project, {"ingest": ingest, "preprocess": preprocess, "evaluate": evaluate}, name="three")
    project.commit("what came out at last")
    project.run("git", "tag", "third")


def between(project: Project, a: str, b: str | None, home: Path | None = None) -> ChangeRecord:
    return changes(project.root, Home(home or project.root / ".clintune"), a, b)


@pytest.fixture(scope="module")
def second(project: Project) -> ChangeRecord:
    return between(project, "first", "second")


@pytest.fixture(scope="module")
def third(project: Project) -> ChangeRecord:
    return between(project, "second", "third")


def section(record: ChangeRecord, name: str) -> dict[str, Change]:
    return {one.place: one for one in record.changes if one.section == name}


def test_a_state_beside_itself_has_no_change(project):
    record = between(project, "first", "first")
    assert (record.changes, record.judged, record.verdict) == ((), (), None)
    assert {one.other for one in record.outputs} == {0}
    assert record.paired == "the predictions are the same, bit by bit: nothing is left to chance"
    assert not record.is_finding


def test_code_is_named_with_its_lines_and_stages(second):
    found = section(second, "code")
    assert {place: (one.lines, one.stages) for place, one in found.items()} == {CODE: ((2, 1), ("evaluate",))}


def test_params_are_named_leaf_by_leaf(second):
    [one] = section(second, "params").values()
    assert (one.place, one.was, one.now, one.stages) == ("evaluate.level", "0.95", "0.9", ("evaluate",))


def test_packages_and_the_numeric_class_are_named_with_what_they_were(second):
    found = section(second, "environment")
    assert list(found) == ["numeric class: OMP_NUM_THREADS", "numpy", "torch"]
    assert (found["torch"].was[:5], found["torch"].now[:6]) == ("2.13.", "2.99.0")
    assert found["numpy"].now == ""
    assert found["numeric class: OMP_NUM_THREADS"].now == "2"


def test_outputs_are_counted_and_what_was_given_the_same_is_told_apart(second, third):
    found = {one.stage: (one.other, one.alike) for one in second.outputs}
    assert found["evaluate"] == (1, False)
    assert found["train"] == (0, True)
    assert {one.stage: one.alike for one in third.outputs}["ingest"], "its inputs are those of before"


def test_scores_stand_side_by_side_headline_first(second):
    f1 = second.scores[0]
    assert (f1.name, f1.headline, f1.now) == ("strict/f1", True, 0.0)
    assert f1.was > 0
    names = [one.name for one in second.scores]
    assert "label/Drug/f1" in names
    assert not [name for name in names if name.endswith(("_low", "correct", "gold"))]


def test_both_models_are_compared_document_by_document_though_one_lies_in_the_cache_alone(second):
    assert isinstance(second.paired, Difference)
    assert second.paired.difference == pytest.approx(-second.scores[0].was, abs=2e-6)
    assert (second.paired.documents, second.paired.groups, second.paired.p) == (12, 6, None)


def test_who_sealed_it_and_who_committed_it_is_said(second):
    assert second.b.by == tuple(sorted({"a colleague", *second.a.by}))
    assert second.b.commit.author == "A Tester"
    assert second.b.sealed[-1] == "2027-01-15T08:00:00Z"
    assert [one.subject for one in second.commits] == ["what came out then", "another line, another level"]


def test_where_the_history_is_cut_off_it_is_said_that_commits_may_be_missing(project, second, tmp_path):
    """A clone with a depth has not all of them, nor has a repository with a `.git/shallow` made by hand."""
    copy, words = project.copy(tmp_path / "copy"), "commits may be missing here"
    (copy.root / ".git/shallow").write_text(copy.run("git", "rev-parse", "second").stdout)
    found = between(copy, "first", "second")
    assert len(found.commits) < len(second.commits)
    assert words in "".join(found.lines())
    assert words not in "".join(second.lines())


def test_a_plan_that_came_with_the_change_covers_nothing(second):
    assert second.plan.sha256 is None
    assert {one.verdict for one in second.judged} == {"not covered"}
    assert second.lines()[0] == "plan: made after A: it covers nothing of this change"
    assert second.is_finding


def test_a_plan_that_changed_is_said_first_and_that_of_a_counts(project, third):
    assert third.lines()[0].endswith("changed since: judged by that of A")
    assert third.plan.version == 3
    back = between(project, "second", "first")
    verdicts = {one.place: one.verdict for one in back.judged}
    assert verdicts["evaluate.level"] == "inside"
    assert verdicts[CODE] == "not covered"
    assert {one.place: one.verdict for one in between(project, "third", "second").judged} == {
        one.place: "not covered" for one in third.judged
    }


def test_raw_files_and_splits_are_counted_and_nobody_is_named(project, third):
    found = section(third, "data")
    assert {place: one.now for place, one in found.items() if place.startswith("files")} == {
        "files added": "2", "files removed": "1",
    }  # fmt: skip
    assert found["split test"].now == "1" * 64
    assert (found["records.kept"].was, found["records.kept"].now) == ("48", "51")
    said = "\n".join([*third.lines(), json.dumps(third.as_json())])
    assert not [word for words in planted(project).values() for word in words if word in said]


def test_models_on_other_documents_are_not_compared(third):
    assert third.paired == "not on the same documents: the test splits differ"


def test_what_a_dirty_tree_ran_is_not_kept_and_said_to_be_so(third):
    assert section(third, "code")[CODE].lines is None
    assert third.b.dirty == ("evaluate",)
    assert any("one of the texts is not kept" in line for line in third.lines())


def test_without_records_git_and_dvc_lock_are_compared_and_that_is_said(project, tmp_path):
    record = between(project, "first", "second", home=tmp_path)
    assert record.a.unrecorded == record.a.stages
    assert "  no record here of ingest, preprocess" in "\n".join(record.lines())
    assert section(record, "code")[CODE].lines == (2, 1)
    assert list(section(record, "params")) == ["evaluate.level"]
    assert {place: one.stages for place, one in section(record, "environment").items()} == {
        "not sealed": ("evaluate",)
    }
    assert "what they ran" in {one.place: one.because for one in record.judged}["not sealed"]
    assert [one.name for one in record.scores if one.headline] != []


def test_a_run_an_execution_and_its_id_in_mlflow_name_the_same_state(project):
    key = newest_of(project, "evaluate")
    by_key, by_name = (between(project, name, "second") for name in (key, "execution two"))
    assert by_key.changes == by_name.changes == ()
    assert by_key.a.stages == ("ingest", "preprocess", "pretrain", "tokenize", "train", "evaluate")
    assert by_key.not_compared == ("export",)
    with closing(sqlite3.connect(project.root / ".clintune/mlflow/mlflow.db")) as store:
        [[run]] = store.execute("SELECT run_uuid FROM runs WHERE name LIKE 'repro @ %'")
    done = project.run("clintune", "diff", run, "first", "--json")
    assert json.loads(done.stdout)["changes"] == []
    assert json.loads(done.stdout)["not_compared"] == []


def newest_of(project: Project, stage: str) -> str:
    """The key of the run of `second`; that of `third` is newer."""
    assert newest(project)[stage]["run"] == f"three-{stage}"
    return f"execution two-{stage}"


def test_a_name_of_nothing_and_a_name_of_several_are_one_line(project):
    with pytest.raises(UserError, match="no commit, run or execution is called so"):
        between(project, "nothing", None)
    with pytest.raises(UserError, match=r"3 of them are called so; name one by .* execution two-evaluate"):
        between(project, "evaluate", None)
    with pytest.raises(UserError, match=r"first~1:dvc\.lock: no such file in this commit"):
        between(project, "first~1", None)


def test_a_run_that_did_not_finish_is_no_state_and_that_is_said(project, tmp_path):
    copy = project.copy(tmp_path / "copy")
    client = client_of(copy)
    [experiment] = client.search_experiments(filter_string="name = 'clintune'")
    tags = {"clintune.run": "killed-train", "dvc.kind": "stage"}
    run = client.create_run(experiment.experiment_id, tags=tags, run_name="train").info.run_id
    client.set_terminated(run, "KILLED")
    with pytest.raises(UserError, match="no record of a stage is here for this run: it did not finish"):
        between(copy, run, None)


def test_an_experiment_of_dvc_is_known_by_its_name_unless_there_are_two(project, tmp_path):
    copy = project.copy(tmp_path / "copy")
    refs = [f"refs/exps/{one * 2}/{one * 38}/tame-loan" for one in "ab"]
    copy.run("git", "update-ref", refs[0], "second^{commit}")
    assert between(copy, "first", "tame-loan").b.commit == between(copy, "first", "second").b.commit
    copy.run("git", "update-ref", refs[1], "first^{commit}")
    with pytest.raises(UserError, match=r"^tame-loan: 2 experiments of DVC are called so; name one by "):
        between(copy, "first", "tame-loan")


def test_the_program_compares_with_the_working_tree_and_ends_with_the_verdict(project):
    done = run_quickly(project, "clintune", "diff", "second", ok=False)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("not covered: 0 inside, 0 outside, ")
    assert "B: dvc.lock in the working tree" in done.stdout
    wrong = run_quickly(project, "clintune", "diff", "nothing", ok=False)
    assert (wrong.returncode, wrong.stdout) == (2, "")


def test_the_same_question_has_the_same_answer_to_the_byte(project, third, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(project.root, moved, symlinks=True, ignore=shutil.ignore_patterns("mlflow", "bundle"))
    again = between(Project(moved), "second", "third")
    assert json.dumps(again.as_json()) == json.dumps(third.as_json())
    assert again.lines() == third.lines()
