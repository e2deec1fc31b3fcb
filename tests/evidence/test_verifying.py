"""clintune verify, as it is used: what it says, and how it ends."""

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from clintune.cli import main
from clintune.evidence.verification import verifying
from clintune.evidence.verification.sealed import Sealed, ledger_in
from clintune.sealing.ledger import Ledger
from clintune.tracking.home import Home
from tests.evidence.verification import judged_alone, packed_quickly, run_quickly, verified_quickly
from tests.killing import until
from tests.project import Project, make_project
from tests.tampering import Scene, flip
from tests.tracking.stores import client_of, stage_runs

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]


def test_it_says_in_a_line_what_was_looked_at(scene):
    done = scene.project.run("clintune", "verify")
    assert done.stdout.startswith(
        "Everything is as it was sealed: 7 lines of the ledger, 7 stages of dvc.lock, "
    )


def test_where_nothing_was_ever_sealed_it_could_not_be_checked(tmp_path):
    project = make_project(tmp_path / "project")
    done = run_quickly(project, "clintune", "verify", ok=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(".clintune/ledger: nothing was sealed here; dvc repro seals (-f ")
    assert len(done.stderr.splitlines()) == 1


def test_a_finding_is_a_line_with_the_file_and_both_hashes(scene):
    file = scene.project.root / "data/evaluation/metrics.json"
    file.write_text(file.read_text().replace('"f1": 0.', '"f1": 1.', 1))
    done = run_quickly(scene.project, "clintune", "verify", ok=False)
    first, last = done.stdout.splitlines()
    assert done.returncode == 1
    assert first.startswith("output  data/evaluation/metrics.json: SHA-256: sealed ")
    assert last.startswith("1 not as sealed: ")


def test_while_a_stage_runs_it_cannot_be_checked_and_nothing_is_called_changed(scene):
    with held(scene.project.root):
        done = run_quickly(scene.project, "clintune", "verify", ok=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("the project: a stage runs in it, ")
    assert run_quickly(scene.project, "clintune", "verify").returncode == 0


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """As a stage holds its working folder."""
    program = (
        "import sys; from pathlib import Path; from clintune.process import wait_for_turn;"
        "wait_for_turn(Path(sys.argv[1])); print('mine', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "mine\n"
        yield
        holder.communicate("\n")


MEANWHILE = """
import subprocess
with open("README.md", "a") as readme:
    readme.write("more")
subprocess.run(["git", "commit", "-qam", "meanwhile"], check=True)
"""


def test_who_commits_while_stages_run_is_blamed_for_nothing(finished, tmp_path):
    """The run of the execution says what was so when its first stage began."""
    project = finished.copy(tmp_path / "project")
    for stage, more in {"ingest": MEANWHILE, "preprocess": "# changed\n"}.items():
        with (project.root / f"pipeline/{stage}.py").open("a", encoding="utf-8") as script:
            script.write(more)
    project.commit("two stages are stale")
    project.run("dvc", "repro", "preprocess")
    sealed = ledger_in(project.root / ".clintune/ledger").of_kind("stage")
    first, second = [record["execution"] for _, record in sealed[-2:]]
    assert first["process"] == second["process"]
    assert first["tags"]["git.commit"] != second["tags"]["git.commit"]
    packed_quickly(project, tmp_path / "evidence.zip")
    assert judged_alone(tmp_path / "evidence.zip") == (0, [])


def test_what_is_sealed_while_it_looks_is_looked_at_too(tmp_path, monkeypatch):
    """Else its run is one that no line of the ledger names."""
    place, seen = Home(tmp_path / ".clintune"), list[int]()
    ledger = Ledger(place.ledger)
    ledger.append("stage", "first", {"kind": "stage"}, at=1)

    def observed(_root: Path, _place: Home, sealed: Sealed) -> dict[str, Any]:
        seen.append(len(sealed.lines))
        if len(seen) == 1:
            ledger.append("stage", "second", {"kind": "stage"}, at=2)
        return {}

    monkeypatch.setattr(verifying, "observe", observed)
    sealed, _ = verifying.look(tmp_path, place)
    assert (seen, len(sealed.lines)) == ([1, 2], 2)


def test_an_output_that_is_gone_is_named(scene):
    (scene.project.root / "data/bundle/model.onnx").unlink()
    [finding] = verified_quickly(scene.project)
    assert (finding["place"], finding["found"]) == ("data/bundle/model.onnx", "")


def test_what_an_earlier_run_wrote_is_hashed_in_the_cache_though_dvc_lock_leads_there_no_longer(scene):
    root, yaml = scene.project.root, YAML()
    lock = yaml.load(root / "dvc.lock")
    del lock["stages"]["export"]
    yaml.dump(lock, root / "dvc.lock")
    md5 = hashlib.md5((root / "data/bundle/model.onnx").read_bytes()).hexdigest()
    model = root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    assert str(model.relative_to(root)) not in [one["place"] for one in verified_quickly(scene.project)]
    model.chmod(0o644)
    flip(model, random.Random(0))
    found = {one["place"]: one for one in verified_quickly(scene.project)}
    assert found[str(model.relative_to(root))]["sealed"] == md5


def test_a_ledger_that_is_gone_is_named_line_by_line(scene):
    scene.project.run("rm", "-rf", ".clintune/ledger")
    kinds = [one["kind"] for one in verified_quickly(scene.project)]
    assert kinds.count("ledger") == 7
    assert kinds.count("lock") == 7


def test_a_param_that_was_changed_since_is_named_with_both_values(scene):
    text = (scene.project.root / "params.yaml").read_text()
    scene.project.params({"train": {"epochs": 7}})
    findings = verified_quickly(scene.project)
    (scene.project.root / "params.yaml").write_text(text)
    [finding] = [one for one in findings if one["kind"] == "param"]
    assert (finding["field"], finding["sealed"], finding["found"]) == ("train.epochs", "6", "7")


SHOWN = "UPDATE latest_metrics SET value = value + 0.1 WHERE run_uuid = ? AND key = 'strict/f1'"


def test_the_value_that_mlflow_shows_is_compared_too(scene):
    """It lies in a table of its own; the curve is as it was."""
    [run] = stage_runs(client_of(scene.project), "evaluate")
    scene.query(SHOWN, run.info.run_id)
    [finding] = verified_quickly(scene.project)
    assert (finding["kind"], finding["field"]) == ("run", "metric strict/f1 as it is shown")
    assert float(finding["found"]) == pytest.approx(float(finding["sealed"]) + 0.1)


@pytest.mark.parametrize(
    "statement", [SHOWN, SHOWN.replace("latest_metrics", "metrics")], ids=["shown", "curve"]
)
def test_the_headline_of_an_execution_is_compared_in_both_tables(scene, statement):
    [run] = stage_runs(client_of(scene.project), "evaluate")
    scene.query(statement, run.data.tags["mlflow.parentRunId"])
    [finding] = verified_quickly(scene.project)
    assert (finding["field"], "of execution" in finding["place"]) == ("metric strict/f1", True)


def test_a_record_that_is_none_of_a_stage_is_a_finding_and_no_crash(scene):
    scene.ledger.append("stage", "a run", {"kind": "stage", "stage": "train"}, at=1)
    [finding] = verified_quickly(scene.project)
    assert (finding["kind"], finding["found"]) == ("record", "of no such kind")


def test_a_number_that_json_has_no_word_for_is_a_finding_and_can_be_packed(scene, tmp_path):
    [run] = stage_runs(client_of(scene.project), "evaluate")
    client_of(scene.project).log_metric(run.info.run_id, "strict/f1", float("inf"), step=3)
    packed_quickly(scene.project, tmp_path / "evidence.zip")
    fields = {one["field"] for one in judged_alone(tmp_path / "evidence.zip")[1]}
    assert "metric strict/f1 at step 3" in fields


@pytest.mark.slow
def test_a_store_behind_a_server_is_verified_and_packed_in_the_same_way(scene, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    asked = ["--backend-store-uri", f"sqlite:///{scene.database}", "--port", str(port), "--workers", "1"]
    program = str(Path(sys.executable).with_name("mlflow"))
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen([program, "server", *asked], stdout=log, stderr=log, start_new_session=True)
    project = Project(scene.project.root, {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"})
    try:
        until(lambda: project.run("clintune", "verify", ok=False).returncode == 0, 120)
        [run] = stage_runs(client_of(scene.project), "evaluate")
        client_of(scene.project).log_param(run.info.run_id, "better", "1")
        done = project.run("clintune", "pack", "-o", str(tmp_path / "evidence.zip"), ok=False)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    assert (done.returncode, "param better" in done.stdout) == (1, True)
    assert [one["field"] for one in judged_alone(tmp_path / "evidence.zip")[1]] == ["param better"]
    assert project.run("clintune", "verify", ok=False).returncode == 2


def test_what_it_detects_and_what_it_cannot_is_said(capsys):
    assert main(["verify", "--threats"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Detected: ")
    assert "Not detected: a lie told while a stage ran" in said


def test_a_trigger_of_the_trail_that_was_dropped_is_named_now_and_later(scene):
    scene.query("DROP TRIGGER clintune_trail_metrics_update")
    for _ in range(2):
        [finding] = verified_quickly(scene.project)
        assert (finding["kind"], finding["field"]) == ("trail", "clintune_trail_metrics_update")


def test_a_run_that_was_killed_before_it_could_name_its_line_is_none_where_nothing_relies_on_it(scene):
    run = next(run for run in stage_runs(client_of(scene.project)) if run.data.tags["dvc.stage"] == "train")
    scene.query("UPDATE runs SET status = 'KILLED' WHERE run_uuid = ?", run.info.run_id)
    scene.query("DELETE FROM tags WHERE run_uuid = ? AND key = 'clintune.sealed'", run.info.run_id)
    client_of(scene.project).set_tag(run.info.run_id, "clintune.reason", "the process is gone")
    fields = {one["field"] for one in verified_quickly(scene.project)}
    assert {"status", "tag clintune.sealed"} <= fields, "dvc.lock relies on it"
    lock = (scene.project.root / "dvc.lock").read_text()
    record = json.loads(scene.ledger.record_file(line_of(scene, run)).read_bytes())
    stage = lock[: lock.index("  train:")]
    (scene.project.root / "dvc.lock").write_text(stage)  # train, and what follows from it, never ended
    assert record["stage"] == "train"
    places = {one["place"] for one in verified_quickly(scene.project)}
    assert not any(run.info.run_id in place for place in places)


def line_of(scene: Scene, run) -> str:
    """The hash of the record that was sealed of a run."""
    number = int(run.data.tags["clintune.sealed"].partition(":")[0])
    return json.loads(scene.ledger.file.read_bytes().splitlines()[number - 1])["record"]


def test_the_record_says_what_made_the_stage(finished):
    ledger = finished.root / ".clintune/ledger"
    lines = [json.loads(line) for line in (ledger / "ledger.jsonl").read_text().splitlines()]
    records = [json.loads((ledger / f"records/{line['record']}.json").read_bytes()) for line in lines]
    train = next(record for record in records if record["stage"] == "train")
    assert train["code"]["commit"] == finished.run("git", "rev-parse", "HEAD").stdout.strip()
    assert train["code"]["tree"] == finished.run("git", "rev-parse", "HEAD^{tree}").stdout.strip()
    assert train["environment"]["distributions"]["torch"]["version"].startswith("2.")
    assert len(train["environment"]["distributions"]["numpy"]["record_sha256"]) == 64
    assert {"OMP_NUM_THREADS", "numerics.cpu", "numerics.isa", "numerics.profile"} <= train[
        "numeric_class"
    ].keys()
    assert "data/checkpoint/model.safetensors" in train["outputs"]
    assert "src/clintune/training/loop.py" in train["inputs"]
    assert len(train["reported"]["metrics"]["train/loss"]) > 5


def test_no_text_of_a_record_is_in_the_ledger(finished):
    """tests/test_pipeline.py scans all of .clintune; this names the place if it ever fails."""
    from tests.planting import found, planted

    assert found(finished, [".clintune/ledger"], planted(finished)) == {
        "text": set(),
        "id": set(),
        "value": set(),
    }
