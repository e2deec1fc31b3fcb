"""Real stages under real DVC: what an auditor finds in MLflow is what dvc.lock says."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from clintune.errors import TrackingError
from clintune.lockfile import entry_sha256, inputs_sha256, read_lock
from clintune.tracking.journal import now
from clintune.tracking.stage_run import _expect_same
from tests.evidence.verification import run_quickly
from tests.project import Project, make_project
from tests.tracking.stores import client_of, files_of, runs_of, spooled, stage_runs

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def ran(finished, tmp_path_factory) -> Project:
    """All stages, run once, from a clean commit."""
    return finished.copy(tmp_path_factory.mktemp("recorded") / "project")


@pytest.fixture(scope="module")
def client(ran):
    return client_of(ran)


def dvc_md5(path: Path) -> str:
    """What DVC calls a file or folder, computed without DVC."""
    if path.is_file():
        return hashlib.md5(path.read_bytes()).hexdigest()
    files = [file for file in path.rglob("*") if file.is_file()]
    listing = [{"md5": dvc_md5(file), "relpath": file.relative_to(path).as_posix()} for file in files]
    listing.sort(key=lambda one: one["relpath"])
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode()).hexdigest() + ".dir"


def damage_while_it_trains(project: Project) -> None:
    """Where there is a file `damage`, the ledger gets a line that is none when the work is done."""
    (project.root / ".clintune/damage").touch()
    script, end = project.root / "pipeline/train.py", "    run.describe("
    damage = (
        "    if Path('.clintune/damage').exists():\n"
        "        with Path('.clintune/ledger/ledger.jsonl').open('ab') as ledger:\n"
        "            ledger.write(b'{}\\n')\n"
    )
    assert script.read_text().count(end) == 1
    script.write_text(script.read_text().replace(end, damage + end))


def test_each_stage_is_one_finished_run_named_by_it_and_nothing_waits(ran, client):
    runs = stage_runs(client)
    assert [run.info.run_name for run in runs] == list(read_lock(ran.root / "dvc.lock"))
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert spooled(ran) == []


def test_the_stages_are_children_of_one_run_named_by_the_execution(ran, client):
    [parent] = runs_of(client, "tags.`dvc.kind` = 'pipeline'")
    head = ran.run("git", "rev-parse", "HEAD").stdout.strip()
    assert parent.info.run_name == f"repro @ {head[:7]}"
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["dvc.cmd"] == "dvc repro"
    assert {run.data.tags["mlflow.parentRunId"] for run in stage_runs(client)} == {parent.info.run_id}
    assert files_of(client, parent.info.run_id) == {"params.yaml", "dvc.yaml"}
    assert parent.data.params["train.epochs"] == "6"
    assert parent.data.params["evaluate.level"] == "0.95"
    assert f"Commit `{head}`, clean." in parent.data.tags["mlflow.note.content"]


def test_the_hashes_are_those_of_dvc_lock_and_of_the_bytes(ran, client):
    lock = read_lock(ran.root / "dvc.lock")
    for run in stage_runs(client):
        entry, tags = lock[run.info.run_name], run.data.tags
        for kind, things in (("dep", entry["deps"]), ("out", entry["outs"])):
            found = {key: value for key, value in tags.items() if key.startswith(f"dvc.{kind}.")}
            assert found == {f"dvc.{kind}.{one['path']}": one["md5"] for one in things}
            assert all(dvc_md5(ran.root / one["path"]) == one["md5"] for one in things)
        assert tags["dvc.lock_entry_sha256"] == entry_sha256(entry)
        assert tags["dvc.inputs_sha256"] == inputs_sha256(entry)
        assert tags["dvc.cmd"] == entry["cmd"]
        assert tags["mlflow.source.name"] == f"pipeline/{run.info.run_name}.py"


def test_the_name_of_the_inputs_is_dvcs_own_key_of_its_run_cache(ran):
    for entry in read_lock(ran.root / "dvc.lock").values():
        key = inputs_sha256(entry)
        assert [file.name for file in (ran.root / ".dvc/cache/runs" / key[:2] / key).iterdir()] == [
            entry_sha256(entry)
        ]


def test_one_query_by_any_hash_of_dvc_lock_finds_the_run_and_the_run_holds_its_entry(ran, client):
    from clintune.tracking.queries import entry_of_run
    from clintune.tracking.store import Store

    store = Store("", client, client.get_experiment_by_name("clintune").experiment_id)
    for stage, entry in read_lock(ran.root / "dvc.lock").items():
        for out in entry["outs"]:
            [run] = runs_of(client, f"tags.`dvc.out.{out['path']}` = '{out['md5']}'")
            assert run.info.run_name == stage
            assert entry_of_run(store, run.info.run_id) == entry
        for dep in entry["deps"]:
            readers = runs_of(client, f"tags.`dvc.dep.{dep['path']}` = '{dep['md5']}'")
            assert stage in [run.info.run_name for run in readers]


def test_the_params_are_exactly_those_that_the_stage_reads(ran, client):
    [run] = stage_runs(client, "train")
    assert {"seed", "train.epochs", "train.learning_rate", "model.name", "numerics.threads"} <= set(
        run.data.params
    )
    assert run.data.params["train.epochs"] == "6"
    assert {key.split(".")[0] for key in run.data.params} == {"seed", "numerics", "model", "train"}


def test_what_a_stage_reads_of_data_is_an_mlflow_dataset_whose_digest_is_dvcs(ran, client):
    for run in stage_runs(client):
        entry = read_lock(ran.root / "dvc.lock")[run.info.run_name]
        given = {one.dataset.name: one.dataset.digest for one in run.inputs.dataset_inputs}
        deps = {dep["path"]: dep["md5"] for dep in entry["deps"]}
        assert given == {path: md5 for path, md5 in deps.items() if path.startswith("data/")}


def test_numbers_over_steps_and_a_description_are_there(client):
    [run] = stage_runs(client, "train")
    history = client.get_metric_history(run.info.run_id, "train/loss")
    assert len({one.step for one in history}) == len(history) >= 2
    note = run.data.tags["mlflow.note.content"]
    assert "fine-tuned" in note
    assert re.search(r"\| wrote \| `data/checkpoint` \| `[0-9a-f]{32}\.dir` \|", note)


def test_the_commit_the_environment_and_the_machine_class_are_named(ran, client):
    for run in stage_runs(client):
        tags = run.data.tags
        assert tags["git.commit"] == ran.run("git", "rev-parse", "HEAD").stdout.strip()
        assert tags["git.dirty"] == "false"
        path = client.download_artifacts(run.info.run_id, "environment/packages.txt")
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == tags["environment.sha256"]
    assert tags["numerics.threads"] == "1"


def test_every_output_in_dvc_yaml_that_dvc_caches_is_ignored_by_hand(ran):
    outs = ran.run("python", "-c", (
        "from dvc.repo import Repo\n"
        "for stage in Repo().index.stages:\n"
        "    for out in stage.outs: print(out.def_path) if out.use_cache else None"
    )).stdout.split()  # fmt: skip
    assert outs
    drafts = [str(Path(out).with_name(f".{Path(out).name}.draft")) for out in outs]
    for path in [*outs, *drafts, ".clintune/mlflow", "src/clintune.egg-info/PKG-INFO"]:
        assert "\n.gitignore:" in "\n" + ran.run("git", "check-ignore", "-v", "--no-index", path).stdout, path


class TestAfterwards:
    """What changes the project runs last, in this order."""

    def test_a_stage_that_was_skipped_or_restored_has_its_producer_in_a_snapshot(self, ran, client):
        before, runs = read_lock(ran.root / "dvc.lock"), stage_runs(client)
        for name in ("windows", "checkpoint"):
            ran.run("rm", "-r", f"data/{name}")
        (ran.root / "dvc.lock").unlink()
        said = ran.run("dvc", "repro", "train").stdout
        assert "is cached" in said or "cached - skipping" in said
        entries = read_lock(ran.root / "dvc.lock")
        assert list(entries)[-1] == "train"
        assert entries.items() <= before.items()
        assert len(stage_runs(client)) == len(runs)
        made = {run.info.run_name: run.info.run_id for run in runs if run.info.run_name in entries}
        listed = ran.run("clintune", "snapshot").stdout.partition(":\n")[2].split()
        assert dict(zip(listed[::2], listed[1::2], strict=True)) == made
        [snapshot] = runs_of(client, "tags.`dvc.kind` = 'snapshot'")
        assert snapshot.info.status == "FINISHED"
        assert (
            Path(client.download_artifacts(snapshot.info.run_id, "dvc/dvc.lock")).read_bytes()
            == (ran.root / "dvc.lock").read_bytes()
        )
        assert all(run_id in snapshot.data.tags["mlflow.note.content"] for run_id in made.values())

    def test_a_second_snapshot_of_the_same_is_the_first(self, ran, client):
        run_quickly(ran, "clintune", "snapshot")
        assert len(runs_of(client, "tags.`dvc.kind` = 'snapshot'")) == 1

    @pytest.mark.parametrize("copied", [False, True], ids=["invented", "copied"])
    def test_a_run_that_only_says_so_made_nothing(self, ran, client, copied):
        [true] = [run for run in stage_runs(client, "train") if "clintune.sealed" in run.data.tags]
        kept = {key: text for key, text in true.data.tags.items() if copied or key.startswith("dvc.")}
        later = client.create_run(true.info.experiment_id, start_time=now(), tags=kept)
        client.set_terminated(later.info.run_id, "FINISHED")
        said = run_quickly(ran, "clintune", "snapshot").stdout
        client.delete_run(later.info.run_id)
        assert true.info.run_id in said
        assert later.info.run_id not in said

    def test_without_the_ledger_a_run_made_it_by_its_own_word(self, ran, client):
        ledger = ran.root / ".clintune/ledger"
        ledger.rename(ledger.with_name("elsewhere"))
        said = run_quickly(ran, "clintune", "snapshot").stdout.splitlines()
        ledger.with_name("elsewhere").rename(ledger)
        assert len(said) > 1
        assert all(line.endswith(" (the ledger here did not seal it)") for line in said[1:])

    def test_an_entry_that_no_run_made_has_no_producer(self, ran, client):
        lock = (ran.root / "dvc.lock").read_text()
        (ran.root / "dvc.lock").write_text(re.sub(r"md5: [0-9a-f]{32}\.dir", f"md5: {'0' * 32}.dir", lock))
        done = run_quickly(ran, "clintune", "snapshot", ok=False)
        (ran.root / "dvc.lock").write_text(lock)
        assert done.returncode == 1
        assert "NO PRODUCER" in done.stdout

    def test_a_stage_by_hand_is_a_run_that_made_nothing_of_record(self, ran, client):
        places = [f"--{name}=data/{name}" for name in ("examples", "pretrained", "windows")]
        ran.run("python", "-m", "pipeline.tokenize", *places)
        run = stage_runs(client, "tokenize")[-1]
        assert run.data.tags["dvc.outside"] == "true"
        assert "mlflow.parentRunId" not in run.data.tags
        assert {"task", "model.source", "tokenize.max_tokens"} <= set(run.data.params)
        assert "model.weights_sha256" not in run.data.params

    def test_a_stage_that_fails_is_failed_with_its_reason_and_so_is_its_pipeline(self, ran, client):
        ran.params({"preprocess": {"labels": {"Nothing": "Something"}}})
        done = ran.run("dvc", "repro", "preprocess", ok=False)
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        run = stage_runs(client, "preprocess")[-1]
        assert run.info.status == "FAILED"
        reason, note = run.data.tags["clintune.reason"], run.data.tags["mlflow.note.content"]
        assert re.search(r": \d+ of 48 records are broken \(unknown_label \d+\), and .*; mend them", reason)
        assert reason.partition(": ")[2] in done.stderr
        assert note.startswith(f"**FAILED**: {reason}")
        # The screen names the place; in the store, where others read, a file's name might name a person.
        assert re.search(r"notes\.jsonl:\d+ unknown_label \w+ at \d+-\d+: ", done.stderr)
        assert "notes.jsonl" not in str(run.data.tags)
        assert client.get_run(run.data.tags["mlflow.parentRunId"]).info.status == "FAILED"
        assert run.data.tags["git.dirty"] == "true"
        patch = client.download_artifacts(run.info.run_id, "git/uncommitted.diff")
        ran.run("git", "apply", "--reverse", "--check", patch)
        assert "dvc.lock_entry_sha256" not in run.data.tags

    def test_params_that_changed_before_the_stage_named_them_stop_it(self, shipped):
        later = shipped.model_copy(update={"train": shipped.train.model_copy(update={"epochs": 77})})
        _expect_same(shipped, later, ["seed", "model.source"])
        with pytest.raises(TrackingError, match=r"params\.yaml: train: changed while the stage began"):
            _expect_same(shipped, later, ["seed", "train"])

    def test_where_no_record_can_be_written_no_stage_runs(self, tmp_path):
        project = make_project(tmp_path / "project")
        (project.root / ".clintune").write_text("a file where the folder goes\n")
        done = project.run("dvc", "repro", "ingest", ok=False)
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        assert ".clintune/: the record of this run cannot be written (Not a directory)" in done.stderr
        assert not (project.root / "data" / "raw").exists()

    def test_what_could_not_be_sealed_goes_on_from_where_it_was_and_leaves_nothing_when_it_is(
        self, finished, tmp_path
    ):
        """The ledger is damaged while the stage works, then when it begins again, and then it is mended."""
        project = finished.copy(tmp_path / "project")
        project = Project(project.root, {"CLINTUNE_CHECKPOINT_SECONDS": "0"})
        damage_while_it_trains(project)
        state = project.root / ".clintune"
        ledger = state / "ledger/ledger.jsonl"
        whole = ledger.read_bytes()
        done = project.run("dvc", "repro", "-s", "train", ok=False)
        assert "ledger.jsonl:8: no line of a ledger; restore the ledger from a copy" in done.stderr
        states = {path: path.stat().st_mtime_ns for path in state.glob("unfinished/*/step-*/*")}
        assert states

        (state / "damage").unlink()
        done = project.run("dvc", "repro", "-s", "train", ok=False)
        assert done.returncode != 0
        assert "ledger.jsonl:8: no line of a ledger; restore the ledger from a copy" in done.stderr
        assert "Resumed" not in done.stderr
        assert {path: path.stat().st_mtime_ns for path in state.glob("unfinished/*/step-*/*")} == states
        assert [run.info.status for run in stage_runs(client_of(project), "train")] == ["FINISHED", "FAILED"]

        ledger.write_bytes(whole)
        done = project.run("dvc", "repro", "-s", "train")
        assert "Resumed after step" in done.stderr
        assert list(state.glob("unfinished/*/")) == []

    def test_an_input_that_changes_while_the_stage_runs_fails_it(self, ran, client):
        ran.run("git", "checkout", "-q", "params.yaml")
        script = ran.root / "pipeline" / "ingest.py"
        text = script.read_text().replace(
            "    sums = ", "    Path(__file__).open('a').write('# changed')\n    sums = "
        )
        script.write_text(text)
        done = ran.run("dvc", "repro", "ingest", ok=False)
        assert "pipeline/ingest.py: changed while the stage ran" in done.stderr
        assert stage_runs(client, "ingest")[-1].info.status == "FAILED"
