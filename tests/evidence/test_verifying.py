"""clintune verify, as it is used: what it says, and how it ends."""

import json

import pytest

from tests.evidence.verification import verified
from tests.project import make_project
from tests.tampering import Scene
from tests.tracking.stores import client_of, stage_runs

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]


def test_it_says_in_a_line_what_was_looked_at(scene):
    done = scene.project.run("clintune", "verify")
    assert done.stdout.startswith(
        "Everything is as it was sealed: 7 lines of the ledger, 7 stages of dvc.lock, "
    )


def test_where_nothing_was_ever_sealed_it_could_not_be_checked(tmp_path):
    project = make_project(tmp_path / "project")
    done = project.run("clintune", "verify", ok=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ".clintune/ledger: nothing was sealed here; dvc repro seals\n"


def test_a_finding_is_a_line_with_the_file_and_both_hashes(scene):
    file = scene.project.root / "data/evaluation/metrics.json"
    file.write_text(file.read_text().replace('"f1": 0.', '"f1": 1.', 1))
    done = scene.project.run("clintune", "verify", ok=False)
    first, last = done.stdout.splitlines()
    assert done.returncode == 1
    assert first.startswith("output  data/evaluation/metrics.json: SHA-256: sealed ")
    assert last.startswith("1 findings: ")


def test_an_output_that_is_gone_is_named(scene):
    (scene.project.root / "data/bundle/model.onnx").unlink()
    [finding] = verified(scene.project)[1]
    assert (finding["place"], finding["found"]) == ("data/bundle/model.onnx", "")


def test_a_ledger_that_is_gone_is_named_line_by_line(scene):
    scene.project.run("rm", "-rf", ".clintune/ledger")
    kinds = [one["kind"] for one in verified(scene.project)[1]]
    assert kinds.count("ledger") == 7
    assert kinds.count("lock") == 7


def test_a_param_that_was_changed_since_is_named_with_both_values(scene):
    text = (scene.project.root / "params.yaml").read_text()
    scene.project.params({"train": {"epochs": 7}})
    _, findings = verified(scene.project)
    (scene.project.root / "params.yaml").write_text(text)
    [finding] = [one for one in findings if one["kind"] == "param"]
    assert (finding["field"], finding["sealed"], finding["found"]) == ("train.epochs", "6", "7")


def test_a_trigger_of_the_trail_that_was_dropped_is_named_now_and_later(scene):
    scene.query("DROP TRIGGER clintune_trail_metrics_update")
    for _ in range(2):
        [finding] = verified(scene.project)[1]
        assert (finding["kind"], finding["field"]) == ("trail", "clintune_trail_metrics_update")


def test_a_run_that_was_killed_before_it_could_name_its_line_is_none_where_nothing_relies_on_it(scene):
    run = next(run for run in stage_runs(client_of(scene.project)) if run.data.tags["dvc.stage"] == "train")
    scene.query("UPDATE runs SET status = 'KILLED' WHERE run_uuid = ?", run.info.run_id)
    scene.query("DELETE FROM tags WHERE run_uuid = ? AND key = 'clintune.sealed'", run.info.run_id)
    fields = {one["field"] for one in verified(scene.project)[1]}
    assert {"status", "tag clintune.sealed"} <= fields, "dvc.lock relies on it"
    lock = (scene.project.root / "dvc.lock").read_text()
    record = json.loads(scene.ledger.record_file(line_of(scene, run)).read_bytes())
    stage = lock[: lock.index("  train:")]
    (scene.project.root / "dvc.lock").write_text(stage)  # train, and what follows from it, never ended
    assert record["stage"] == "train"
    places = {one["place"] for one in verified(scene.project)[1]}
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
