"""What somebody who may write to files and store does so that it looks as if it had always been so."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import LoggedModelInput, LoggedModelOutput
from ruamel.yaml import YAML

from clintune.errors import TrackingError
from clintune.evidence.packing.archive import read_archive, write_archive
from clintune.evidence.verification import observing, verifier
from clintune.lockfile import parse_lock
from clintune.sealing.canonical import canonical
from clintune.tracking import limits
from tests.evidence.rerunning import run_again
from tests.evidence.verification import judged_alone, packed_quickly, run_quickly, verified_quickly
from tests.project import Project
from tests.tampering import Scene, lines_of
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
    (folder / "journal").touch()
    try:
        scene.query("UPDATE params SET value = '77' WHERE run_uuid = ? AND key = 'seed'", run.info.run_id)
        assert found(scene) == {("run", "param seed")}
        scene.query("DELETE FROM tags WHERE run_uuid = ? AND key = 'clintune.sealed'", run.info.run_id)
        said = run_quickly(scene.project, "clintune", "verify", ok=False).stdout
        assert "1 run(s) that wait to be sent and were not compared" in said
    finally:
        shutil.rmtree(folder)


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


def test_they_are_missed_where_dvc_yaml_is_broken_too(scene):
    file = scene.project.root / "dvc.yaml"
    before = file.read_text()
    try:
        (scene.project.root / "dvc.lock").unlink()
        file.write_text("stages: [")
        places = {one["place"] for one in verified_quickly(scene.project)}
    finally:
        file.write_text(before)
    assert {"dvc.lock: ingest", "dvc.lock: export"} <= places


ENTRY = "dvc.lock_entry_sha256"


@pytest.mark.parametrize(
    "left",
    [
        ("clintune.sealed", "clintune.run"), ("clintune.sealed",), (),
        ("clintune.sealed", "clintune.run", ENTRY), ("clintune.run", ENTRY),
    ],
)  # fmt: skip
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
    client_of(scene.project).set_tag(run.info.run_id, "approved.by", "somebody")
    assert found(scene) - before == {("run", "param seed"), ("run", "tag approved.by")}


def test_the_run_of_an_execution_is_one_of_those_that_may_not_be_deleted_or_bettered(scene):
    client, parent = client_of(scene.project), run_of(scene, "evaluate").data.tags["mlflow.parentRunId"]
    client.log_metric(parent, "accuracy", 0.9999)
    client.delete_run(parent)
    scene.query("UPDATE runs SET name = 'the best one' WHERE run_uuid = ?", parent)
    assert {("run", "metric accuracy"), ("run", "lifecycle"), ("run", "name")} <= found(scene)


def test_a_run_that_looks_killed_although_it_named_its_line_is_named_by_the_trail(scene):
    """Else an entry could be taken out of dvc.lock with it, and what it wrote be changed."""
    run, file, yaml = run_of(scene, "export"), scene.project.root / "dvc.lock", YAML()
    for one in (run.info.run_id, run.data.tags["mlflow.parentRunId"]):
        scene.query("UPDATE runs SET status = 'KILLED' WHERE run_uuid = ?", one)
    scene.query("DELETE FROM tags WHERE run_uuid = ? AND key = 'clintune.sealed'", run.info.run_id)
    lock = yaml.load(file)
    del lock["stages"]["export"]
    yaml.dump(lock, file)
    assert found(scene) == {("ledger", "run that the trail says named it")}


def test_a_line_that_another_tag_was_laid_over_is_missed(scene):
    """SQLite tells no trigger of the row that UPDATE OR REPLACE takes away."""
    one, other = (run_of(scene, stage) for stage in ("export", "evaluate"))
    scene.query(
        "UPDATE OR REPLACE tags SET key = 'clintune.sealed', value = ?"
        " WHERE run_uuid = ? AND key = 'dvc.cmd'",
        other.data.tags["clintune.sealed"], one.info.run_id,
    )  # fmt: skip
    findings = verified_quickly(scene.project)
    assert "a line that was written over" in {one["sealed"] for one in findings}


def test_a_trigger_that_silences_the_trail_is_found_however_it_spells_its_name(scene):
    scene.query("CREATE TRIGGER quiet BEFORE INSERT ON CLINTUNE_TRAIL BEGIN SELECT RAISE(IGNORE); END")
    assert found(scene) == {("trail", "quiet")}


def test_nor_does_one_of_another_table_that_ends_the_triggers_of_the_trail(scene):
    """It lets the change be: `RAISE(IGNORE)` after it leaves out what comes then."""
    scene.query("CREATE TRIGGER Runs AFTER UPDATE ON Registered_Models BEGIN SELECT RAISE(IGNORE); END")
    before = scene.query("SELECT count(*) FROM clintune_trail")
    scene.query("UPDATE registered_models SET description = 'approved'")
    assert scene.query("SELECT count(*) FROM clintune_trail") == before
    assert found(scene) == {("trail", "Runs")}


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("type", "'TRIGGER'"), ("type", "CAST('trigger' AS BLOB)"), ("type", "'trigger' || char(0) || 'x'"),
        ("tbl_name", "CAST(tbl_name AS BLOB)"), ("tbl_name", "tbl_name || char(0) || 'x'"),
        ("name", "CAST(name AS BLOB)"),
    ],
)  # fmt: skip
def test_nor_does_it_hide_behind_what_the_schema_says_of_it(scene, column, text):
    """SQLite goes by the statement, and takes these words for the same."""
    with closing(sqlite3.connect(scene.database)) as store, store:
        store.execute("CREATE TRIGGER quiet BEFORE INSERT ON clintune_trail BEGIN SELECT RAISE(IGNORE); END")
        store.execute("PRAGMA writable_schema = ON")
        store.execute(f"UPDATE sqlite_master SET {column} = {text} WHERE name = 'quiet'")
    before = scene.query("SELECT count(*) FROM clintune_trail")
    scene.query("UPDATE experiments SET name = name || '!'")
    assert scene.query("SELECT count(*) FROM clintune_trail") == before
    assert found(scene) == {("trail", "quiet")}


@pytest.mark.parametrize(("column", "value"), [("start_time", "'soon'"), ("artifact_uri", "NULL")])
def test_a_run_with_a_text_for_a_time_or_without_an_address_stops_nobody(scene, column, value):
    run = run_of(scene, "evaluate").info.run_id
    scene.query(f"UPDATE runs SET {column} = {value} WHERE run_uuid = '{run}'")
    assert {"run"} == {kind for kind, _ in found(scene)}


@pytest.mark.parametrize("column", ["value", "step", "timestamp"])
def test_a_text_for_a_number_of_a_metric_stops_nobody(scene, column):
    run = run_of(scene, "train").info.run_id
    for table in ("metrics", "latest_metrics"):
        scene.query(f"UPDATE {table} SET {column} = 'better' WHERE run_uuid = '{run}'")
    assert {"run"} == {kind for kind, _ in found(scene)}


@pytest.mark.parametrize("letter", ["#", "?"])
def test_artifacts_are_read_where_mlflow_reads_them(scene, letter):
    run = run_of(scene, "evaluate").info
    folder = Path(run.artifact_uri.removeprefix("file://"))
    shutil.copytree(folder, f"{folder}{letter}2")
    Path(f"{folder}{letter}2", "better.txt").touch()
    scene.query("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", f"{folder}{letter}2", run.run_id)
    assert "better.txt" in {one.path for one in client_of(scene.project).list_artifacts(run.run_id)}
    assert ("run", "artifact better.txt") in found(scene)


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


@pytest.mark.parametrize(
    ("table", "change", "field"),
    [
        ("runs", "end_time = end_time - 3600000", "end"),
        ("runs", "user_id = 'somebody'", "user"),
        ("latest_metrics", "step = step + 1000", "metric best/step"),
        ("latest_metrics", "timestamp = timestamp - 1", "metric best/step"),
        ("datasets", "dataset_source = '{\"uri\": \"data/better\"}'", "source"),
        ("datasets", "dataset_source_type = 'hf'", "type"),
        ("datasets", "dataset_schema = '{}'", "schema"),
        ("datasets", "dataset_profile = '{\"size\": 1}'", "size"),
        ("model_versions", "description = replace(description, '0.', '0.9')", "description"),
        ("model_versions", "status = 'FAILED_REGISTRATION'", "status"),
        ("logged_models", "status = 3", "status"),
        ("logged_models", "model_type = 'approved'", "type"),
    ],
)  # fmt: skip
def test_what_mlflow_shows_beside_what_a_run_said_is_compared(scene, table, change, field):
    """Of a run that is over, in SQL."""
    scene.query(f"UPDATE {table} SET {change}")
    assert field in {name for kind, name in found(scene) if kind == "run"}


@pytest.mark.parametrize(("column", "value"), [("end_time", 1000), ("user_id", "'somebody'")])
def test_whose_an_execution_was_and_when_it_ended_is_compared(scene, column, value):
    parent = run_of(scene, "evaluate").data.tags["mlflow.parentRunId"]
    scene.query(f"UPDATE runs SET {column} = {value} WHERE run_uuid = '{parent}'")
    assert {field for _, field in found(scene)} == {column.partition("_")[0]}


def test_a_model_on_its_way_into_the_store_is_none_that_was_changed(scene):
    """It is made, filled and made ready after the record was sealed; the run names its line last of all."""
    run, now = run_of(scene, "export"), time.time_ns() // 10**6
    scene.query("UPDATE runs SET status = 'RUNNING', end_time = NULL WHERE run_uuid = ?", run.info.run_id)
    scene.query("DELETE FROM tags WHERE run_uuid = ? AND key = 'clintune.sealed'", run.info.run_id)
    scene.query("UPDATE logged_models SET status = 1, last_updated_timestamp_ms = ?", now)
    places = [one["place"] for one in verified_quickly(scene.project)]
    assert [place for place in places if place.startswith("model ")] == []


def test_a_version_of_another_name_does_not_pass_for_the_sealed_model(scene):
    """It names that as its source, no run, and has files of its own."""
    scene.query(
        "INSERT INTO registered_models (name, creation_time, last_updated_time, workspace)"
        " SELECT 'prod', creation_time, last_updated_time, workspace FROM registered_models"
    )
    columns = "version, creation_time, last_updated_time, source, status, current_stage, workspace"
    scene.query(
        f"INSERT INTO model_versions (name, storage_location, run_id, {columns})"
        f" SELECT 'prod', '/elsewhere', '', {columns} FROM model_versions"
    )
    assert ("run", "run") in found(scene)


@pytest.mark.parametrize(
    ("sealed", "held", "latest", "fields"),
    [
        ([[0, 3.0, 5], [0, 1.0, 5], [0, 2.0, 5]], [[0, 1.0, 5], [0, 2.0, 5], [0, 3.0, 5]], 3.0, []),
        ([[0, 1.0, 5], [0, 1.0, 5]], [[0, 1.0, 5]], 1.0, []),
        ([[0, -0.0, 5]], [[0, 0.0, 5]], 0.0, []),
        ([[0, 1.0, 5]], [[0, 1.0, 5], [0, 0.5, 5]], 1.0, ["metric x points"]),
        ([[0, 1.0, 5], [0, 2.0, 5]], [[0, 2.0, 5]], 2.0, ["metric x points"]),
        ([[0, 1.0, 5]], [[0, 1.5, 5]], 1.5, ["metric x at step 0"]),
        ([[0, 1.0, 5]], [[0, 1.0, 5]], 1.5, ["metric x as it is shown"]),
    ],
)
def test_points_are_compared_as_a_store_keeps_them(sealed, held, latest, fields):
    """Each once, in no order; SQLite has one zero."""
    assert [one["field"] for one in verifier.judge_curve("run", "x", latest, sealed, held)] == fields


def test_a_word_that_is_hung_on_a_data_set_is_found(scene):
    scene.query("INSERT INTO input_tags SELECT input_uuid, 'checked', 'yes' FROM input_tags LIMIT 1")
    assert any(field.startswith("dataset ") for _, field in found(scene))


def test_a_line_that_is_too_deep_stops_no_snapshot(scene):
    scene.ledger.file.write_bytes(b"[" * 200_000 + b"\n" + scene.ledger.file.read_bytes())
    done = run_quickly(scene.project, "clintune", "snapshot", ok=False)
    assert (done.returncode, done.stderr) == (0, "")


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
        done = run_quickly(scene.project, "clintune", "verify", ok=False)
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
        assert "Traceback" not in run_quickly(scene.project, "clintune", *command, ok=False).stderr


@pytest.mark.parametrize("key", sorted(verifier.STAGE))
def test_a_record_that_was_sealed_by_hand_and_has_no_form_is_one_line(scene, key):
    name = run_of(scene, "train").data.tags["clintune.run"]
    [line] = [one for one in lines_of(scene.ledger) if one.subject == name]
    record = json.loads(scene.ledger.record_file(line.record).read_bytes())
    scene.ledger.append("stage", name, {**record, key: [5]}, at=1)
    done = run_quickly(scene.project, "clintune", "verify", ok=False)
    assert "Traceback" not in done.stderr
    assert (done.returncode, done.stderr.count("\n")) in {(1, 0), (2, 1)}


def test_an_environment_of_no_form_is_one_line_before_anything_is_replayed(scene):
    assert_not_replayed(scene, lambda _record: {"environment": [5]})


@pytest.mark.parametrize(
    "metrics", [5, {"train/loss": 5}, {"train/loss": [[1, "low", 2]]}, {"x": [["a", 1]]}]
)
def test_curves_of_no_form_are_one_line_before_anything_is_replayed(scene, metrics):
    assert_not_replayed(scene, lambda record: {"reported": {**record["reported"], "metrics": metrics}})


def assert_not_replayed(scene: Scene, forged: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Another record of training, sealed by hand, is named in one line."""
    name = run_of(scene, "train").data.tags["clintune.run"]
    [line] = [one for one in lines_of(scene.ledger) if one.subject == name]
    record = json.loads(scene.ledger.record_file(line.record).read_bytes())
    scene.ledger.append("stage", name, {**record, **forged(record)}, at=1)
    done = run_quickly(scene.project, "clintune", "replay", ok=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert ".clintune/ledger: the record of train has no form" in done.stderr


def _of_nowhere(scene: Scene, version: Any) -> None:
    elsewhere = (scene.project.root / "data/checkpoint").as_uri()
    made = client_of(scene.project).create_model_version(version.name, elsewhere)
    client_of(scene.project).set_registered_model_alias(version.name, "newest", made.version)


def _of_another_bundle(scene: Scene, version: Any) -> None:
    client_of(scene.project).set_model_version_tag(
        version.name, version.version, "dvc.out.data/bundle", "0" * 32
    )


def _by_hand(scene: Scene, version: Any) -> None:
    """A run as of a stage that was started by hand: such a one registers nothing."""
    client, experiment = client_of(scene.project), run_of(scene, "export").info.experiment_id
    made = client.create_run(experiment, tags={"clintune.run": "export-x", "dvc.kind": "stage"})
    client.set_terminated(made.info.run_id)
    elsewhere = (scene.project.root / "data/checkpoint").as_uri()
    client.create_model_version(version.name, elsewhere, made.info.run_id)


def _no_more(scene: Scene, version: Any) -> None:
    client_of(scene.project).delete_model_version(version.name, version.version)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_of_nowhere, "clintune-synthetic, version 2: run"),
        (_by_hand, "clintune-synthetic, version 2: run"),
        (_of_another_bundle, "clintune-synthetic, version 1: tag dvc.out.data/bundle"),
        (_no_more, "model clintune-synthetic"),
    ],
)
def test_a_version_in_the_registry_that_no_run_made_or_that_says_something_else_is_found(
    scene, change, expected
):
    [version] = client_of(scene.project).search_model_versions("name = 'clintune-synthetic'")
    change(scene, version)
    assert any(expected in f"{one['place']}: {one['field']}" for one in verified_quickly(scene.project))


def _model(scene: Scene) -> Any:
    [model] = client_of(scene.project).search_logged_models([run_of(scene, "export").info.experiment_id])
    return model


def _tag_of_a_model(scene: Scene) -> None:
    client_of(scene.project).set_logged_model_tags(_model(scene).model_id, {"validated": "yes"})


def _param_of_a_model(scene: Scene) -> None:
    scene.query("UPDATE logged_model_params SET param_value = '0.5' WHERE param_key = 'evaluate.level'")


def _score_of_a_model(scene: Scene) -> None:
    run = run_of(scene, "evaluate").info
    scene.query(
        "INSERT INTO logged_model_metrics VALUES (?, 'strict/f1', 1, 0, 0.9999, ?, ?, NULL, NULL, NULL)",
        _model(scene).model_id, run.experiment_id, run.run_id,
    )  # fmt: skip


def _another_model_of_a_run(scene: Scene) -> None:
    client, run = client_of(scene.project), run_of(scene, "evaluate").info
    other = client.create_logged_model(run.experiment_id, name="better")
    client.log_outputs(run.run_id, [LoggedModelOutput(other.model_id, 0)])


def _another_model_under_a_run(scene: Scene) -> None:
    client, run = client_of(scene.project), run_of(scene, "evaluate").info
    other = client.create_logged_model(run.experiment_id, name="better")
    client.log_inputs(run.run_id, models=[LoggedModelInput(other.model_id)])


def _an_empty_model(scene: Scene) -> None:
    run = run_of(scene, "evaluate").info
    client_of(scene.project).create_logged_model(run.experiment_id, name="x", source_run_id=run.run_id)


def _no_model_of_a_run(scene: Scene) -> None:
    scene.query("DELETE FROM inputs WHERE source_type = 'RUN_OUTPUT'")


def _described_otherwise(scene: Scene) -> None:
    [file] = (scene.project.root / ".clintune/mlflow/artifacts").rglob("MLmodel")
    file.write_text(f"{file.read_text()}metadata: {{approved: by the chief}}\n")


def _said_to_be_of_another_run(scene: Scene) -> None:
    [file] = (scene.project.root / ".clintune/mlflow/artifacts").rglob("MLmodel")
    file.write_text(re.sub("(?m)^run_id: .*", "run_id: 'the best'", file.read_text()))


def _in_another_folder(scene: Scene) -> None:
    """MLflow takes # for a letter here; it began what does not count."""
    folder = Path(_model(scene).artifact_location.removeprefix("file://"))
    shutil.copytree(folder, f"{folder}#2")
    Path(f"{folder}#2", "better.txt").touch()
    scene.query("UPDATE logged_models SET artifact_location = ?", f"{folder}#2")


def _of_that_run_in_another_experiment(scene: Scene) -> None:
    client, old = client_of(scene.project), _model(scene)
    tags = {key: text for key, text in old.tags.items() if key != "mlflow.modelVersions"}
    other, run = client.create_experiment("other"), old.source_run_id
    made = client.create_logged_model(other, name=old.name, source_run_id=run, tags=tags, params=old.params)
    client.log_outputs(run, [LoggedModelOutput(made.model_id, 0)])


def _of_no_run(scene: Scene) -> None:
    client_of(scene.project).create_logged_model(_model(scene).experiment_id, name=_model(scene).name)


def _a_link_in_place_of_the_run(scene: Scene) -> None:
    scene.query("UPDATE model_versions SET run_link = 'http://example.org/best'")


def _a_version_of_another_model(scene: Scene) -> None:
    scene.query("UPDATE model_versions SET source = 'models:/m-best'")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_tag_of_a_model, "tag validated"),
        (_param_of_a_model, "param evaluate.level"),
        (_score_of_a_model, "metric strict/f1"),
        (_another_model_of_a_run, "model m-"),
        (_another_model_under_a_run, "read input"),
        (_an_empty_model, "a model that no stage logged"),
        (_no_model_of_a_run, "sealed its own"),
        (_described_otherwise, "MLmodel: metadata: sealed nothing"),
        (_said_to_be_of_another_run, "MLmodel: run_id: sealed nothing, found the best"),
        (_in_another_folder, "better.txt: sealed nothing"),
        (_of_that_run_in_another_experiment, "artifacts/bundle/bundle.json: sealed"),
        (_of_no_run, "a model that no stage logged"),
        (_a_link_in_place_of_the_run, "version 1: link in place of its run"),
        (_a_version_of_another_model, "version 1: source"),
    ],
)
def test_what_mlflow_says_of_a_model_beside_its_files_is_compared(scene, change, expected):
    change(scene)
    found = [verifier.shown(one) for one in verified_quickly(scene.project)]
    assert any(expected in line for line in found), found


def _below_an_execution(scene: Scene) -> None:
    client, run = client_of(scene.project), run_of(scene, "evaluate")
    tags = {"mlflow.parentRunId": run.data.tags["mlflow.parentRunId"]}
    made = client.create_run(run.info.experiment_id, tags=tags, run_name="evaluate").info.run_id
    client.log_metric(made, "strict/f1", 0.9999)
    client.set_terminated(made)


def _an_execution_of_nothing(scene: Scene) -> None:
    client = client_of(scene.project)
    old = client.get_run(run_of(scene, "evaluate").data.tags["mlflow.parentRunId"])
    made = client.create_run(old.info.experiment_id, tags=old.data.tags, run_name=old.info.run_name)
    client.log_metric(made.info.run_id, "strict/f1", 0.9999)
    client.set_terminated(made.info.run_id)


def _a_running_execution_of_nothing(scene: Scene) -> None:
    """It never ends, and so is never looked at as one that did."""
    client = client_of(scene.project)
    old = client.get_run(run_of(scene, "evaluate").data.tags["mlflow.parentRunId"])
    made = client.create_run(old.info.experiment_id, tags=old.data.tags, run_name=old.info.run_name)
    client.log_metric(made.info.run_id, "strict/f1", 0.9999)


def _all_in_another_experiment(scene: Scene) -> None:
    scene.query("UPDATE runs SET experiment_id = ?", client_of(scene.project).create_experiment("other"))


def _better_than_its_stages(scene: Scene) -> None:
    scene.query("UPDATE runs SET status = 'FAILED' WHERE run_uuid = ?", run_of(scene, "pretrain").info.run_id)


def _in_another_experiment(scene: Scene) -> None:
    other = client_of(scene.project).create_experiment("other")
    run = run_of(scene, "train").info.run_id
    scene.query("UPDATE runs SET experiment_id = ? WHERE run_uuid = ?", other, run)


def _below_a_stage(scene: Scene) -> None:
    client, run = client_of(scene.project), run_of(scene, "evaluate").info
    tags = {"mlflow.parentRunId": run.run_id}
    client.set_terminated(client.create_run(run.experiment_id, tags=tags, run_name="again").info.run_id)


def _a_stage_without_a_name(scene: Scene) -> None:
    client, run = client_of(scene.project), run_of(scene, "evaluate").info
    made = client.create_run(run.experiment_id, tags={"dvc.kind": "stage"}, run_name="evaluate")
    client.set_terminated(made.info.run_id)


def _what_a_replay_says(scene: Scene) -> None:
    client, run = client_of(scene.project), run_of(scene, "evaluate").info
    tags = {"dvc.kind": "snapshot", "replay.tier": "bit-exact"}
    client.set_terminated(client.create_run(run.experiment_id, tags=tags, run_name="replay").info.run_id)


def _never_started(scene: Scene) -> None:
    client, run = client_of(scene.project), run_of(scene, "evaluate")
    tags = {**run.data.tags, "clintune.run": "evaluate-x"}
    made = client.create_run(run.info.experiment_id, tags=tags, run_name="evaluate")
    client.set_terminated(made.info.run_id, "SCHEDULED")


def _execution(scene: Scene) -> Any:
    client = client_of(scene.project)
    return client.get_run(run_of(scene, "evaluate").data.tags["mlflow.parentRunId"]).info


def _a_model_of_an_execution(scene: Scene) -> None:
    run = _execution(scene)
    client_of(scene.project).create_logged_model(run.experiment_id, name="x", source_run_id=run.run_id)


def _a_model_that_an_execution_shows(scene: Scene) -> None:
    client, run = client_of(scene.project), _execution(scene)
    other = client.create_logged_model(run.experiment_id, name="better")
    client.log_outputs(run.run_id, [LoggedModelOutput(other.model_id, 0)])


def _a_data_set_of_an_execution(scene: Scene) -> None:
    scene.query(
        "INSERT INTO inputs SELECT 'other', source_type, source_id, destination_type, ?, 0 FROM inputs"
        " WHERE source_type = 'DATASET' LIMIT 1",
        _execution(scene).run_id,
    )


def _a_version_of_an_execution(scene: Scene) -> None:
    client, elsewhere = client_of(scene.project), (scene.project.root / "data/checkpoint").as_uri()
    client.create_registered_model("clintune-better")
    client.create_model_version("clintune-better", elsewhere, _execution(scene).run_id)


def _a_point_before_the_score(scene: Scene) -> None:
    scene.query(
        "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan)"
        " VALUES ('strict/f1', 0.9999, 1, ?, -1, 0)",
        _execution(scene).run_id,
    )


def _an_execution_below_a_run(scene: Scene) -> None:
    client = client_of(scene.project)
    client.set_tag(_execution(scene).run_id, "mlflow.parentRunId", run_of(scene, "ingest").info.run_id)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_below_a_stage, "of stage again: sealed nothing, found a run that no stage made"),
        (_a_stage_without_a_name, "a run that no stage made"),
        (_what_a_replay_says, "a run that no stage made"),
        (_never_started, "line of the ledger: sealed one, found nothing"),
        (_a_model_of_an_execution, "a model that no stage logged"),
        (_a_model_that_an_execution_shows, "of an execution: model m-"),
        (_a_data_set_of_an_execution, "of an execution: dataset "),
        (_a_version_of_an_execution, "model clintune-better, version 1: run"),
        (_a_point_before_the_score, "metric strict/f1: sealed 0."),
        (_an_execution_below_a_run, "parent: sealed nothing"),
        (_below_an_execution, "of stage evaluate: sealed nothing, found a run that no stage made"),
        (_an_execution_of_nothing, "a run that no stage made"),
        (_a_running_execution_of_nothing, "a run that no stage made"),
        (_all_in_another_experiment, "of train: experiment: sealed 1, found "),
        (_in_another_experiment, "of stage train: experiment"),
        (_better_than_its_stages, "status: sealed FAILED, found FINISHED"),
    ],
)
def test_a_run_is_where_it_belongs(scene, change, expected):
    change(scene)
    found = [verifier.shown(one) for one in verified_quickly(scene.project)]
    assert any(expected in line for line in found), found


@pytest.mark.parametrize("path", ["/", "/etc", "../..", "data/../.."])
def test_nobody_looks_where_a_forged_entry_leads_out_of_the_project(scene, path):
    with (scene.project.root / "dvc.lock").open("a") as lock:
        lock.write(f"  forged:\n    cmd: x\n    outs:\n    - path: {path}\n      md5: {'a' * 32}\n")
    [one] = verified_quickly(scene.project)
    assert one["place"] == "dvc.lock: forged"


@pytest.mark.parametrize(
    ("table", "column"),
    [("datasets", "name"), ("input_tags", "name"), ("logged_model_tags", "tag_key"), ("params", "value")],
)
def test_bytes_where_mlflow_writes_text_are_one_line_or_a_finding(scene, tmp_path, table, column):
    """The triggers know no bytes either: whoever writes them has taken them off."""
    triggers = scene.query("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    for name, _ in triggers:
        scene.query(f"DROP TRIGGER {name}")
    scene.query(f"UPDATE {table} SET {column} = X'FF00' WHERE rowid = (SELECT min(rowid) FROM {table})")
    for _, statement in triggers:
        scene.query(statement)
    done = run_quickly(scene.project, "clintune", "pack", "-o", str(tmp_path / "evidence.zip"), ok=False)
    assert "Traceback" not in done.stderr
    assert done.returncode in {1, 2}


def test_a_file_that_cannot_be_read_is_one_line(scene):
    (scene.project.root / "data/bundle/notes.txt").symlink_to("/proc/self/mem")
    done = run_quickly(scene.project, "clintune", "verify", ok=False)
    assert (done.returncode, done.stderr.count("\n"), "cannot be read" in done.stderr) == (2, 1, True)


@pytest.mark.parametrize("first", ["sealed", "added"])
def test_a_name_that_mlflow_does_not_take_hides_nothing(first):
    """A store has the short form of it; whoever adds the long one in SQL adds another value."""
    name = "f1/label: x"
    held = {limits.name(name): "sealed", name: "added"}
    ordered = dict(sorted(held.items(), key=lambda item: item[1] != first))
    named = observing._named_as_said(ordered, [name])
    assert named[name] == "sealed"
    assert sorted(named.values()) == ["added", "sealed"]


def test_a_section_of_params_in_place_of_nothing_is_found(scene):
    file = scene.project.root / "params.yaml"
    before = file.read_text()
    try:
        scene.project.params({"preprocess": {"labels": {"Finding": "Symptom"}}})
        scene.project.params({"train": {"loss": {"class_weights": {"Drug": 2.0}}}})
        findings = {(one["kind"], one["field"]) for one in verified_quickly(scene.project)}
    finally:
        file.write_text(before)
    added = {"preprocess.labels.Finding", "train.loss.class_weights.Drug"}
    assert {("param", one) for one in added} <= findings


def test_a_param_that_dvc_takes_for_a_size_is_compared_all_the_same(scene):
    """DVC leaves out what is called size when it names an entry, also in params."""

    def sized(record: dict[str, Any]) -> None:
        record["lock"]["params"]["params.yaml"]["vocabulary"] = {"size": 1}

    run_again(scene.project, {"pretrain": sized}, name="sized")
    file = scene.project.root / "dvc.lock"
    file.write_text(re.sub(r"(vocabulary:\s+size: )1", r"\g<1>2", file.read_text()))
    assert ("lock", "param vocabulary.size") in found(scene)


def test_a_link_to_a_folder_among_artifacts_is_found_and_a_name_that_is_no_text_stops_nobody(scene):
    folder = Path(run_of(scene, "evaluate").info.artifact_uri.removeprefix("file://"))
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/\xff"))
    try:
        odd.write_bytes(b"x")
        (folder / "better").symlink_to(scene.project.root / "src")
        fields = found(scene)
    finally:
        odd.unlink()
        (folder / "better").unlink()
    assert fields == {("run", "artifact better"), ("run", "artifact \\udcff")}


def test_a_link_whose_name_is_no_text_is_named_all_the_same(scene):
    link = Path(os.fsdecode(os.fsencode(scene.project.root / "data/bundle") + b"/\xff"))
    link.symlink_to("nowhere")
    try:
        places = {one["place"] for one in verified_quickly(scene.project)}
    finally:
        link.unlink()
    assert places == {"data/bundle/\\udcff"}


@pytest.mark.parametrize("before", ["no JSON", "5", '{"key": "clintune.sealed"}', "[" * 100_000])
def test_a_row_that_somebody_adds_to_the_trail_stops_nobody(scene, before):
    scene.query("INSERT INTO clintune_trail (action, place, before) VALUES ('UPDATE', 'tags', ?)", before)
    assert {kind for kind, _ in found(scene)} <= {"ledger"}


@pytest.mark.parametrize("listing", [b'[{"relpath": "a", "md5": 5}]', b"[" * 100_000, b'[{"md5": "x"}]'])
def test_a_listing_in_the_cache_that_is_none_is_a_finding(scene, listing):
    file = min((scene.project.root / ".dvc/cache/files/md5").rglob("*.dir"))
    file.chmod(0o644)
    file.write_bytes(listing)
    assert ("cache", "MD5") in found(scene)


def test_an_object_of_the_cache_that_is_a_folder_is_a_finding(scene):
    file = min((scene.project.root / ".dvc/cache/files/md5").rglob("*.dir"))
    file.unlink()
    file.mkdir()
    try:
        assert ("cache", "MD5") in found(scene)
    finally:
        file.rmdir()


def _long_name(scene: Scene) -> None:
    text = scene.ledger.file.read_text()
    scene.ledger.file.write_text(re.sub(r'"record":"\w+"', f'"record":"{"a" * 5000}"', text, count=1))


def _folder_for_a_record(scene: Scene) -> None:
    name = json.loads(scene.ledger.file.read_text().splitlines()[0])["record"]
    scene.ledger.record_file(name).rename(scene.ledger.record_file("0" * 64))
    scene.ledger.record_file(name).mkdir()


@pytest.mark.parametrize("change", [_long_name, _folder_for_a_record])
def test_a_record_that_cannot_be_there_is_a_finding(scene, change):
    change(scene)
    try:
        assert {"ledger", "record"} & {kind for kind, _ in found(scene)}
    finally:
        for folder in filter(Path.is_dir, scene.ledger.record_file("x").parent.iterdir()):
            folder.rmdir()


def _no_ledger(scene: Scene) -> Path:
    scene.ledger.file.unlink()
    scene.ledger.file.mkdir()
    return scene.ledger.file


def _no_config(scene: Scene) -> Path:
    file = scene.project.root / ".dvc/config"
    file.rename(file.with_suffix(".kept"))
    file.write_text("[core\n")
    return file


@pytest.mark.parametrize(
    ("damage", "expected"),
    [(_no_ledger, ".clintune/ledger: cannot be read"), (_no_config, ".dvc: DVC cannot open its project")],
)
def test_what_cannot_be_opened_is_one_line(scene, damage, expected):
    place = damage(scene)
    done = run_quickly(scene.project, "clintune", "verify", ok=False)
    if place.is_dir():
        place.rmdir()
    else:
        place.with_suffix(".kept").replace(place)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(expected)


def test_without_git_it_is_said_in_one_line(scene, tmp_path):
    for name in ("clintune", "python"):
        (tmp_path / name).symlink_to(Path(sys.executable).with_name(name))
    bare = {**scene.project.variables, "PATH": str(tmp_path)}
    command = [tmp_path / "clintune", "diff", "HEAD"]
    done = subprocess.run(command, cwd=scene.project.root, env=bare, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (
        2, b"git: not on this machine; install it: it knows the commits\n"
    )  # fmt: skip


def test_a_param_that_spells_a_nul_is_no_path_with_one(scene):
    file = scene.project.root / "dvc.lock"
    file.write_text(file.read_text().replace("  seed: ", "  seed: '\\u0000' #", 1))
    assert ("lock", "param seed") in found(scene)


def test_a_lock_file_of_no_hashes_is_one_line(scene):
    file = scene.project.root / "dvc.lock"
    file.write_text(file.read_text().replace("  seed: ", "  seed: 2024-01-01 #", 1))
    done = run_quickly(scene.project, "clintune", "verify", ok=False)
    assert (done.returncode, done.stderr) == (
        2, "dvc.lock: not a lock file (TypeError); restore it with git checkout\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        lambda _text: "[" * 100_000,
        lambda text: text.replace("path: data/bundle", 'path: "data\\0"', 1),
        lambda text: text.replace("    cmd: ", '    cmd: "\\ud800" #', 1),
    ],
    ids=["deep", "path of no file", "no text"],
)
def test_a_lock_file_that_no_program_writes_is_one_line(scene, change):
    file = scene.project.root / "dvc.lock"
    file.write_text(change(file.read_text()))
    done = run_quickly(scene.project, "clintune", "verify", ok=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("dvc.lock: not a lock file (")


def test_a_deep_lock_file_is_one_line_for_whoever_reads_it():
    with pytest.raises(TrackingError, match=r"not a lock file \(RecursionError\)"):
        parse_lock("[" * 3_000, place="dvc.lock")


@pytest.mark.parametrize("stages", ["[[1], {a: b}]", "[" * 100_000])
def test_stages_that_are_none_stop_nobody(scene, stages):
    file = scene.project.root / "dvc.yaml"
    before = file.read_text()
    try:
        file.write_text(f"stages: {stages}")
        assert verified_quickly(scene.project) == []
    finally:
        file.write_text(before)


def test_a_description_that_is_too_deep_is_a_finding(scene):
    [file] = (scene.project.root / ".clintune/mlflow/artifacts").rglob("MLmodel")
    file.write_text("[" * 100_000)
    assert any(field.endswith(" MLmodel") for _, field in found(scene))


@pytest.mark.parametrize(("whole", "damaged"), [("cmd: ", "comd: "), ("params:", "params: 5\n    others:")])
def test_an_entry_of_the_lock_file_that_is_none_is_one_line(scene, whole, damaged):
    file = scene.project.root / "dvc.lock"
    file.write_text(file.read_text().replace(f"    {whole}", f"    {damaged}", 1))
    done = run_quickly(scene.project, "clintune", "verify", ok=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("dvc.lock: not a lock file (")


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
        done = run_quickly(scene.project, "clintune", "sign", str(place), *asked, "--key", str(key), ok=False)
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


@pytest.mark.parametrize(
    "name",
    [
        "./{}", "/{}", "../{}", "files//x", "files/./x", "files\\x", "files/x/",
        "FILES/data/evaluation/metrics.json", "{}.", "{} ", "{}::$DATA", "{}\u200b", "REPORT~1.HTM",
        "files/data/bundle/MODEL?CARD.md", "audit|trail.jsonl",
    ],
)  # fmt: skip
def test_a_name_that_is_another_once_it_is_unpacked_is_no_evidence(scene, tmp_path, name):
    """Else a copied score lies over the compared one: to Windows `?` is `_`, REPORT~1.HTM is report.html."""
    packed_quickly(scene.project, tmp_path / "evidence.zip")
    parts = read_archive(tmp_path / "evidence.zip")
    forged = {**parts, name.format("files/data/evaluation/metrics.json"): b"{}"}
    listed = {
        path: {"sha256": verifier.sha256(one)} for path, one in forged.items() if path != "manifest.json"
    }
    manifest = {**json.loads(parts["manifest.json"]), "parts": listed}
    write_archive(tmp_path / "forged.zip", {**forged, "manifest.json": canonical(manifest)})
    with pytest.raises(ValueError, match="under two names"):
        verifier.read_parts(tmp_path / "forged.zip")


@pytest.mark.parametrize(
    "name", ["files/metrics.json", "Files/data/evaluation/metrics.json", "Certificates/1.json"]
)
def test_a_file_that_nothing_vouches_for_does_not_lie_beside_those_of_stages(scene, tmp_path, name):
    packed_quickly(scene.project, tmp_path / "evidence.zip")
    parts = read_archive(tmp_path / "evidence.zip")
    kept = {path: one for path, one in parts.items() if path.casefold() != name.casefold()}
    forged = {**kept, name: b"{}"}
    listed = {path: {"sha256": verifier.sha256(one)} for path, one in forged.items()}
    del listed["manifest.json"]
    manifest = {**json.loads(parts["manifest.json"]), "parts": listed}
    write_archive(tmp_path / "forged.zip", {**forged, "manifest.json": canonical(manifest)})
    assert name in {one["field"] for one in judged_alone(tmp_path / "forged.zip")[1]}


def test_a_whole_bundle_inside_a_forged_one_does_not_vouch_for_it(scene, tmp_path):
    packed_quickly(scene.project, tmp_path / "evidence.zip")
    asked = ["--files", str(tmp_path / "bundle")]
    shutil.copytree(scene.project.root / "data/bundle", tmp_path / "bundle")
    assert judged_alone(tmp_path / "evidence.zip", *asked) == (0, [])
    shutil.copytree(scene.project.root / "data/bundle", tmp_path / "bundle/data/bundle")
    (tmp_path / "bundle/model.onnx").write_bytes(b"better")
    places = {one["place"] for one in judged_alone(tmp_path / "evidence.zip", *asked)[1]}
    assert "data/bundle/model.onnx" in places


@pytest.mark.parametrize("target", ["/", "nowhere"])
def test_a_link_in_what_was_delivered_is_no_part_of_it(scene, tmp_path, target):
    packed_quickly(scene.project, tmp_path / "evidence.zip")
    shutil.copytree(scene.project.root / "data/bundle", tmp_path / "bundle")
    (tmp_path / "bundle/more").symlink_to(target)
    asked = [str(tmp_path / "evidence.zip"), "--files", str(tmp_path / "bundle")]
    for command in (["clintune", "verify", "--pack"], [sys.executable, "-I", verifier.__file__]):
        done = scene.project.run(*command, *asked, ok=False)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert f"{tmp_path}/bundle/more" in done.stderr


def test_points_of_a_metric_that_mlflow_does_not_list_are_named(scene):
    run = run_of(scene, "evaluate").info.run_id
    scene.query(
        "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES ('auc', 1, 1, ?, 0, 0)",
        run,
    )
    done = run_quickly(scene.project, "clintune", "verify", ok=False)
    line = done.stdout.splitlines()[0]
    assert line.startswith(f"run     run {run} of evaluate: metric auc: sealed nothing, found a last point")


def test_replace_leaves_the_old_value_in_the_trail_and_no_row_of_the_trail(scene):
    run = run_of(scene, "evaluate").info.run_id
    scene.query("REPLACE INTO params (key, value, run_uuid) VALUES ('seed', '77', ?)", run)
    rows = scene.query("SELECT action, before FROM clintune_trail WHERE place = 'params'")
    kept = [json.loads(before) for action, before in rows if action == "REPLACE"]
    assert [(row["key"], row["value"]) for row in kept] == [("seed", "17")]
    with pytest.raises(sqlite3.IntegrityError, match="the trail is kept as it is"):
        scene.query("REPLACE INTO clintune_trail (number, action, place) VALUES (1, 'UPDATE', 'x')")


def test_of_a_project_that_was_copied_its_own_artifacts_are_compared(scene, tmp_path):
    copy = Project(tmp_path / "elsewhere")
    scene.project.run("cp", "-a", str(scene.project.root), str(copy.root))
    done = run_quickly(copy, "clintune", "verify")
    assert done.stdout.startswith("Everything is as it was sealed: ")
    artifacts = copy.root / ".clintune/mlflow/artifacts" / run_of(scene, "train").info.run_id
    (artifacts / "artifacts/environment/packages.txt").unlink()
    done = run_quickly(copy, "clintune", "verify", ok=False)
    assert "artifact environment/packages.txt: sealed" in done.stdout


def test_of_a_store_that_was_moved_without_its_artifacts_it_is_said_in_one_line(scene, tmp_path):
    there = tmp_path / "elsewhere"
    scene.project.run("cp", "-a", str(scene.project.root), str(there))
    shutil.rmtree(there / ".clintune/mlflow/artifacts")
    done = run_quickly(Project(there), "clintune", "verify", ok=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    place = scene.project.root / ".clintune"
    assert done.stderr.startswith(f".clintune/mlflow: its artifacts are said to lie at {place}; ")


@pytest.mark.parametrize("address", ["s3://bucket/1", "unknown://host/1", "http://127.0.0.1:1/1"])
def test_artifacts_that_are_said_to_lie_where_nobody_can_read_are_one_line(scene, address):
    scene.query(
        "UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", address, run_of(scene, "train").info.run_id
    )
    done = run_quickly(scene.project, "clintune", "verify", ok=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"{address}: these artifacts cannot be read: ")
