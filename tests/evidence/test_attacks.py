"""What somebody who may write to files and store does so that it looks as if it had always been so."""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from clintune.evidence.packing.archive import read_archive, write_archive
from clintune.evidence.verification import verifier
from clintune.sealing.canonical import canonical
from tests.evidence.rerunning import run_again
from tests.evidence.verification import judged_alone, packed_quickly, verified_quickly
from tests.project import Project
from tests.tampering import Scene
from tests.tracking.stores import client_of, stage_runs

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]


def found(scene: Scene) -> set[tuple[str, str]]:
    """(kind, field) of each finding."""
    return {(one["kind"], one["field"]) for one in verified_quickly(scene.project)}


def run_of(scene: Scene, stage: str) -> Any:
    [run] = stage_runs(client_of(scene.project), stage)
    return run


@pytest.mark.parametrize("signature", [b"", b"no signature"])
def test_nobody_approves_without_a_key(scene, tmp_path, signature):
    packed_quickly(scene.project, tmp_path / "evidence.zip")
    parts = read_archive(tmp_path / "evidence.zip")
    manifest = hashlib.sha256(parts["manifest.json"]).hexdigest()
    statement = {
        "key": "", "manifest_sha256": manifest, "meaning": "reviewed and approved", "role": "approver",
        "signed_at": "2026-01-01T00:00:00+00:00", "signer": "chief@example.org",
    }  # fmt: skip
    forged = {"signatures/01-approver.json": canonical(statement), "signatures/01-approver.sig": signature}
    write_archive(tmp_path / "forged.zip", {**parts, **forged})
    (tmp_path / "signers").write_text("")
    for arguments in ([], ["--signers", str(tmp_path / "signers")]):
        code, findings = judged_alone(tmp_path / "forged.zip", *arguments)
        assert (code, [one["place"] for one in findings]) == (1, ["signatures/01-approver.json"])


def test_a_statement_that_says_something_twice_is_not_what_was_signed(scene, tmp_path):
    packed_quickly(scene.project, tmp_path / "evidence.zip")
    twice = b'{"role":"author","role":"approver"}'
    parts = {**read_archive(tmp_path / "evidence.zip"), "signatures/01-approver.json": twice}
    write_archive(tmp_path / "forged.zip", parts)
    fields = {one["field"] for one in judged_alone(tmp_path / "forged.zip")[1]}
    assert {"statement", "key"} <= fields


def test_an_evaluation_of_another_test_set_than_preprocess_wrote_is_found(scene):
    """As after `dvc repro -s evaluate` on a bettered one, and `dvc checkout data/examples`."""
    test = "data/examples/test.parquet"

    def on_another(record: dict[str, Any]) -> None:
        record["inputs"][test] = {"sha256": "0" * 64, "size": 1}

    run_again(scene.project, {"evaluate": on_another}, name="bettered")
    findings = verified_quickly(scene.project)
    [read] = [one for one in findings if one["place"] == test]
    assert (read["kind"], read["sealed"]) == ("input", "0" * 64)
    whole = hashlib.sha256((scene.project.root / test).read_bytes()).hexdigest()
    assert read["found"] == whole


def test_code_that_was_another_when_one_of_two_stages_read_it_is_found(scene):
    code = "src/clintune/stage.py"

    def of_old(record: dict[str, Any]) -> None:
        record["inputs"][code] = {"sha256": "0" * 64, "size": 1}

    run_again(scene.project, {"train": of_old}, name="older code")
    assert ("input", code) in {(one["kind"], one["place"]) for one in verified_quickly(scene.project)}


def test_a_folder_in_the_spool_hides_no_run(scene):
    run = run_of(scene, "evaluate")
    folder = scene.project.root / ".clintune/spool" / run.data.tags["clintune.run"]
    folder.mkdir(parents=True)
    try:
        scene.query("UPDATE params SET value = '77' WHERE run_uuid = ? AND key = 'seed'", run.info.run_id)
        assert found(scene) == {("run", "param seed")}
        scene.query("DELETE FROM tags WHERE run_uuid = ? AND key = 'clintune.sealed'", run.info.run_id)
        said = scene.project.run("clintune", "verify", ok=False).stdout
        assert "1 runs that wait to be sent and were not compared" in said
    finally:
        folder.rmdir()


def _loaded_otherwise(scene: Scene) -> None:
    [file] = (scene.project.root / ".clintune/mlflow/artifacts").rglob("MLmodel")
    file.write_text(file.read_text().replace("module: clintune.serving.answering", "module: other"))


def _served_from_elsewhere(scene: Scene) -> None:
    elsewhere = scene.project.root / "data/checkpoint"
    scene.query("UPDATE model_versions SET storage_location = ?, source = ?", *[elsewhere.as_uri()] * 2)


def _logged_again(scene: Scene) -> None:
    scene.query(
        "INSERT INTO logged_models SELECT 'm-other', experiment_id, name, artifact_location || 'x',"
        " creation_timestamp_ms + 1, last_updated_timestamp_ms, status, lifecycle_stage, model_type,"
        " source_run_id, status_message FROM logged_models"
    )


@pytest.mark.parametrize("change", [_loaded_otherwise, _served_from_elsewhere, _logged_again])
def test_a_model_that_is_served_otherwise_is_found(scene, change: Callable[[Scene], None]):
    change(scene)
    fields = {field for kind, field in found(scene) if kind == "run"}
    assert any(field.startswith("model clintune-") for field in fields)


@pytest.mark.parametrize("kept", [0, 3])
def test_entries_that_dvc_lock_had_are_missed(scene, kept):
    yaml, file = YAML(), scene.project.root / "dvc.lock"
    lock = yaml.load(file)
    stages = list(lock["stages"])
    for stage in stages[kept:]:
        del lock["stages"][stage]
    yaml.dump(lock, file)
    places = {one["place"] for one in verified_quickly(scene.project) if one["field"] == "entry"}
    assert places == {f"dvc.lock: {stage}" for stage in stages[kept:]}


@pytest.mark.parametrize("left", [("clintune.sealed", "clintune.run"), ("clintune.sealed",), ()])
def test_a_run_that_says_it_made_an_entry_and_was_never_sealed_is_found(scene, left):
    client, run = client_of(scene.project), run_of(scene, "evaluate")
    tags = {key: value for key, value in run.data.tags.items() if key not in left}
    start = run.info.start_time + 1000
    made = client.create_run(run.info.experiment_id, start_time=start, tags=tags, run_name="evaluate")
    client.log_metric(made.info.run_id, "strict/f1", 0.9999)
    client.set_terminated(made.info.run_id, "FINISHED")
    assert made.info.run_id in str(verified_quickly(scene.project))


def test_a_run_that_is_set_to_killed_is_compared_all_the_same(scene):
    """But for how it ended, which a kill explains, where nothing relies on it."""

    def again(_record: dict[str, Any]) -> None:
        """The same again: no entry of dvc.lock has one maker alone then."""

    run = run_of(scene, "evaluate")
    run_again(scene.project, {"evaluate": again}, name="again")
    scene.query("UPDATE runs SET status = 'KILLED' WHERE run_uuid = ?", run.info.run_id)
    scene.query("DELETE FROM tags WHERE run_uuid = ? AND key = 'clintune.sealed'", run.info.run_id)
    before = found(scene)
    scene.query("UPDATE params SET value = '77' WHERE run_uuid = ? AND key = 'seed'", run.info.run_id)
    assert found(scene) - before == {("run", "param seed")}


def test_the_run_of_an_execution_is_one_of_those_that_may_not_be_deleted_or_bettered(scene):
    client, parent = client_of(scene.project), run_of(scene, "evaluate").data.tags["mlflow.parentRunId"]
    client.log_metric(parent, "accuracy", 0.9999)
    client.delete_run(parent)
    scene.query("UPDATE runs SET name = 'the best one' WHERE run_uuid = ?", parent)
    assert {("run", "metric accuracy"), ("run", "lifecycle"), ("run", "name")} <= found(scene)


def test_an_end_of_the_ledger_that_was_cut_off_with_its_runs_is_named_by_the_trail(scene):
    run = run_of(scene, "export")
    number = int(run.data.tags["clintune.sealed"].partition(":")[0])
    for table in ("tags", "latest_metrics", "metrics", "params"):
        scene.query(f"DELETE FROM {table} WHERE run_uuid = ?", run.info.run_id)
    lines = scene.ledger.file.read_bytes().splitlines(keepends=True)
    scene.ledger.file.write_bytes(b"".join(lines[: number - 1]))
    assert ("ledger", "hash that the trail names") in found(scene)


def test_a_second_data_set_of_one_name_does_not_stand_behind_the_first(scene):
    run = run_of(scene, "evaluate").info.run_id
    scene.query(
        "INSERT INTO datasets SELECT 'other', experiment_id, name, '0000', dataset_source_type,"
        " dataset_source, dataset_schema, dataset_profile FROM datasets LIMIT 1"
    )
    scene.query(
        "INSERT INTO inputs SELECT 'other', source_type, 'other', destination_type, destination_id, 0"
        " FROM inputs WHERE destination_id = ? LIMIT 1",
        run,
    )
    assert any(field.startswith("dataset ") for _, field in found(scene))


def test_what_has_no_content_is_named_among_the_outputs(scene):
    bundle = scene.project.root / "data/bundle"
    try:
        (bundle / "extra").symlink_to(scene.project.root / "src")
        (bundle / "gone").symlink_to("nowhere")
        findings = {one["place"]: one["found"] for one in verified_quickly(scene.project)}
    finally:
        (bundle / "extra").unlink()
        (bundle / "gone").unlink()
    assert findings == {
        "data/bundle/extra": "a link to a folder", "data/bundle/gone": "no file, or a link to nothing"
    }  # fmt: skip


def test_a_file_whose_name_is_no_text_is_named_all_the_same(scene):
    file = os.fsencode(scene.project.root / "data/bundle") + b"/\xff"
    Path(os.fsdecode(file)).write_bytes(b"x")
    try:
        done = scene.project.run("clintune", "verify", ok=False)
    finally:
        Path(os.fsdecode(file)).unlink()
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("output  data/bundle/\\udcff: SHA-256: sealed nothing, found ")


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line + b" ",
        lambda line: line.replace(b"{", b'{"subject":"FORGED",', 1),
        lambda _line: b"[" * 200_000,
        lambda _line: b"\xff",
    ],
    ids=["blank", "key twice", "deep", "no text"],
)
def test_a_line_of_the_ledger_is_what_was_written_to_the_byte(scene, change):
    first, *rest = scene.ledger.file.read_bytes().splitlines()
    scene.ledger.file.write_bytes(b"\n".join([change(first), *rest]) + b"\n")
    assert "ledger.jsonl:1" in {one["place"] for one in verified_quickly(scene.project)}


@pytest.mark.parametrize(
    "record", [b"not json", b"[]", b"{}", b"[" * 200_000], ids=["text", "list", "empty", "deep"]
)
def test_a_record_that_is_none_hides_nothing_and_stops_nobody(scene, tmp_path, record):
    line = scene.ledger.append("stage", "a run", {"kind": "stage"}, at=1)
    text = scene.ledger.file.read_bytes().replace(line.encode(), b"")
    name = hashlib.sha256(record).hexdigest()
    scene.ledger.record_file(name).write_bytes(record)
    forged = type(line)(line.number, line.at, line.kind, line.subject, name, line.previous)
    scene.ledger.file.write_bytes(text + forged.encode())
    assert ("record", "record of a run") in found(scene)
    packed_quickly(scene.project, tmp_path / "evidence.zip")
    assert "record of a run" in {one["field"] for one in judged_alone(tmp_path / "evidence.zip")[1]}
    for command in (["why"], ["diff", "HEAD"]):
        assert "Traceback" not in scene.project.run("clintune", *command, ok=False).stderr


def test_a_lock_file_of_no_hashes_is_one_line(scene):
    file = scene.project.root / "dvc.lock"
    file.write_text(file.read_text().replace("  seed: ", "  seed: 2024-01-01 #", 1))
    done = scene.project.run("clintune", "verify", ok=False)
    assert (done.returncode, done.stderr) == (
        2, "dvc.lock: not a lock file (TypeError); restore it with git checkout\n"
    )  # fmt: skip


@pytest.mark.parametrize("name", ["manifest.json", "observed.json"])
def test_a_part_that_is_too_deep_to_read_is_one_line(scene, tmp_path, name):
    packed_quickly(scene.project, tmp_path / "evidence.zip")
    parts = {**read_archive(tmp_path / "evidence.zip"), name: b"[" * 200_000}
    write_archive(tmp_path / "deep.zip", parts)
    for command in (["clintune", "verify", "--pack"], [sys.executable, "-I", verifier.__file__]):
        done = scene.project.run(*command, str(tmp_path / "deep.zip"), ok=False)
        assert "Traceback" not in done.stderr
        assert (done.returncode, done.stderr.count("\n")) in {(1, 0), (2, 1)}


def test_a_folder_is_not_signed_and_a_signature_of_no_form_stops_nobody(scene, tmp_path):
    packed_quickly(scene.project, tmp_path / "evidence.zip")
    parts = {**read_archive(tmp_path / "evidence.zip"), "signatures/01-x.json": b"[]"}
    write_archive(tmp_path / "odd.zip", parts)
    key, asked = tmp_path / "key", ["--role", "reviewer", "--meaning", "read", "--signer", "r@example.org"]
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    for place, code in ((tmp_path, 2), (tmp_path / "odd.zip", 0)):
        done = scene.project.run("clintune", "sign", str(place), *asked, "--key", str(key), ok=False)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False)


def test_a_name_that_unzip_would_read_otherwise_is_no_evidence(scene, tmp_path):
    """An extra field may name a part anew: Info-ZIP's Unicode path."""
    packed_quickly(scene.project, tmp_path / "evidence.zip")
    with zipfile.ZipFile(tmp_path / "evidence.zip", "a") as archive:
        entry = zipfile.ZipInfo("signatures/01-reviewer.tsr")
        entry.extra = b"\x75\x70\x01\x00\x00"
        archive.writestr(entry, b"")
    with pytest.raises(ValueError, match="under two names"):
        verifier.read_parts(tmp_path / "evidence.zip")


def test_replace_leaves_the_old_value_in_the_trail_and_no_row_of_the_trail(scene):
    run = run_of(scene, "evaluate").info.run_id
    scene.query("REPLACE INTO params (key, value, run_uuid) VALUES ('seed', '77', ?)", run)
    rows = scene.query("SELECT action, before FROM clintune_trail WHERE place = 'params'")
    kept = [json.loads(before) for action, before in rows if action == "REPLACE"]
    assert [(row["key"], row["value"]) for row in kept] == [("seed", "17")]
    with pytest.raises(sqlite3.IntegrityError, match="the trail is kept as it is"):
        scene.query("REPLACE INTO clintune_trail (number, action, place) VALUES (1, 'UPDATE', 'x')")


def test_of_a_project_that_was_moved_it_is_said_in_one_line(scene, tmp_path):
    there = tmp_path / "elsewhere"
    scene.project.run("cp", "-a", str(scene.project.root), str(there))
    done = Project(there).run("clintune", "verify", ok=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    place = scene.project.root / ".clintune"
    assert done.stderr.startswith(f".clintune/mlflow: its artifacts are said to lie at {place}; ")


@pytest.mark.parametrize("address", ["s3://bucket/1", "unknown://host/1", "http://127.0.0.1:1/1"])
def test_artifacts_that_are_said_to_lie_where_nobody_can_read_are_one_line(scene, address):
    scene.query(
        "UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", address, run_of(scene, "train").info.run_id
    )
    done = scene.project.run("clintune", "verify", ok=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"{address}: these artifacts cannot be read: ")
