"""A replay is a run in MLflow, sealed with its certificate: neither changes, or goes, without the other."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import LoggedModelOutput

from clintune.evidence.verification.sealed import ledger_in
from clintune.evidence.verification.verifier import shown
from tests.evidence.verification import verified_quickly
from tests.project import Project
from tests.tampering import Scene, scene_of
from tests.tracking.stores import client_of, files_of, runs_of

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]

CERTIFY = """
from clintune.evidence.replaying.certificate import Certificate
from clintune.evidence.replaying.recording import record
from clintune.tracking.home import home
record(home(), Certificate(
    commit="c" * 40, stages=("ingest",), entries={"ingest": "e" * 64}, tier="diverged", first=None,
    claimed=(), outputs={"all": 34, "same": 33}, scores={}, environment=(), own_environment=False,
    numeric_class={}, profile="portable", varied=(), offline=True, seconds=9.0, overhead=1.0,
), began=1_700_000_000_000)
"""


@pytest.fixture(scope="module")
def certified(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """With a replay that diverged: nothing that somebody would like to keep."""
    project = finished.copy(tmp_path_factory.mktemp("replayed") / "project")
    project.run("python", "-c", CERTIFY)
    return scene_of(project, tmp_path_factory.mktemp("certified"))


@pytest.fixture
def scene(certified: Scene) -> Iterator[Scene]:
    yield certified
    certified.restore()


@pytest.fixture
def replay(scene: Scene) -> Any:
    [run] = runs_of(client_of(scene.project), "tags.`dvc.kind` = 'replay'")
    return run


def test_it_shows_what_was_sealed(scene, replay):
    assert verified_quickly(scene.project) == []
    info, tags = replay.info, replay.data.tags
    assert (info.run_name, info.status, info.start_time) == (
        "replay @ ccccccc: diverged", "FINISHED", 1_700_000_000_000
    )  # fmt: skip
    assert (tags["replay.tier"], tags["replay.holds"]) == ("diverged", "false")
    assert tags["replay.stages"] == "ingest"  # not all of them: nobody should take it for that
    assert tags["mlflow.note.content"].startswith("Again, from nothing: ingest.\n")
    assert "diverged: 33 of 34 output files have the same SHA-256" in tags["mlflow.note.content"]
    client = client_of(scene.project)
    assert files_of(client, info.run_id) == {"certificate.json"}
    certificate = json.loads(Path(client.download_artifacts(info.run_id, "certificate.json")).read_bytes())
    [(line, sealed)] = ledger_in(scene.ledger.file.parent).of_kind("certificate")
    assert tags["clintune.sealed"] == f"{line['number']}:{line['hash']}"
    assert sealed.items() >= certificate.items()
    assert sealed["run"] == tags["clintune.run"]


def test_one_that_was_killed_before_it_could_name_its_line_is_as_it_was_sealed(scene, replay):
    """By the sender, which ends the run of a process that is gone; what it says is compared all the same."""
    client, run = client_of(scene.project), replay.info.run_id
    client.update_run(run, status="RUNNING")
    client.delete_tag(run, "clintune.sealed")
    client.set_tag(run, "clintune.reason", "the process is gone")
    client.set_terminated(run, "KILLED")
    assert verified_quickly(scene.project) == []
    bettered(scene, replay)
    assert [one["field"] for one in verified_quickly(scene.project)] == ["tag replay.tier"]


def cut_off(scene: Scene, _run: Any) -> None:
    lines = scene.ledger.file.read_bytes().splitlines(keepends=True)
    scene.ledger.file.write_bytes(b"".join(lines[:-1]))


def cut_off_with_its_run(scene: Scene, run: Any) -> None:
    cut_off(scene, run)
    client_of(scene.project).delete_run(run.info.run_id)
    for table in ("tags", "latest_metrics", "metrics", "params", "runs"):
        scene.query(f"DELETE FROM {table} WHERE run_uuid = ?", run.info.run_id)


def deleted(scene: Scene, run: Any) -> None:
    client_of(scene.project).delete_run(run.info.run_id)


def bettered(scene: Scene, run: Any) -> None:
    client_of(scene.project).set_tag(run.info.run_id, "replay.tier", "bit-exact")


def renamed(scene: Scene, run: Any) -> None:
    client_of(scene.project).update_run(run.info.run_id, name="replay @ ccccccc: bit-exact")


def shown_otherwise(scene: Scene, run: Any) -> None:
    client_of(scene.project).log_text(run.info.run_id, '{"tier": "bit-exact"}', "certificate.json")


def invented(scene: Scene, run: Any) -> None:
    client = client_of(scene.project)
    tags = {"dvc.kind": "replay", "replay.tier": "bit-exact"}
    client.set_terminated(client.create_run(run.info.experiment_id, tags=tags).info.run_id)


def said_to_be_another(scene: Scene, run: Any) -> None:
    client = client_of(scene.project)
    client.set_tag(run.info.run_id, "dvc.kind", "note")


def sealed_without_a_run(scene: Scene, _run: Any) -> None:
    scene.ledger.append("certificate", "c" * 40, {"kind": "certificate", "tier": "bit-exact"}, at=1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (cut_off, "hash that run"),
        (cut_off_with_its_run, "hash that the trail names"),
        (deleted, "of a replay: lifecycle"),
        (bettered, "of a replay: tag replay.tier"),
        (renamed, "of a replay: name"),
        (shown_otherwise, "of a replay: artifact certificate.json"),
        (invented, "a run that no stage made"),
        (said_to_be_another, "of a replay: tag dvc.kind"),
        (sealed_without_a_run, "run without a name of a replay: sealed line"),
    ],
)
def test_what_is_done_to_it_afterwards_is_found(scene, replay, change: Callable[[Scene, Any], None], words):
    change(scene, replay)
    found = [shown(one) for one in verified_quickly(scene.project)]
    assert any(words in line for line in found), found


def _in_the_spool(scene: Scene, key: str) -> None:
    folder = scene.project.root / ".clintune/spool" / key
    folder.mkdir(parents=True)
    (folder / "journal").touch()


def bettered_while_it_is_said_to_wait(scene: Scene, run: Any) -> None:
    _in_the_spool(scene, run.data.tags["clintune.run"])
    bettered(scene, run)


def invented_while_it_is_said_to_wait(scene: Scene, run: Any) -> None:
    _in_the_spool(scene, "replay-x")
    client = client_of(scene.project)
    tags = {"dvc.kind": "replay", "replay.tier": "bit-exact", "clintune.run": "replay-x"}
    client.set_terminated(client.create_run(run.info.experiment_id, tags=tags).info.run_id)


def said_to_have_made_a_version(scene: Scene, run: Any) -> None:
    elsewhere = (scene.project.root / "data/checkpoint").as_uri()
    client_of(scene.project).create_model_version("clintune-synthetic", elsewhere, run.info.run_id)


def said_to_have_logged_a_model(scene: Scene, run: Any) -> None:
    client_of(scene.project).create_logged_model(
        run.info.experiment_id, name="better", source_run_id=run.info.run_id
    )


def said_to_show_a_model(scene: Scene, run: Any) -> None:
    client = client_of(scene.project)
    other = client.create_logged_model(run.info.experiment_id, name="better")
    client.log_outputs(run.info.run_id, [LoggedModelOutput(other.model_id, 0)])


def said_to_have_read_a_data_set(scene: Scene, run: Any) -> None:
    scene.query(
        "INSERT INTO inputs SELECT 'other', source_type, source_id, destination_type, ?, 0 FROM inputs"
        " WHERE source_type = 'DATASET' LIMIT 1",
        run.info.run_id,
    )


def put_below_an_execution(scene: Scene, run: Any) -> None:
    client = client_of(scene.project)
    [execution, *_] = runs_of(client, "tags.`dvc.kind` = 'pipeline'")
    client.set_tag(run.info.run_id, "mlflow.parentRunId", execution.info.run_id)


def _certified_again(scene: Scene, **changes: Any) -> None:
    [(_, sealed)] = ledger_in(scene.ledger.file.parent).of_kind("certificate")
    scene.ledger.append("certificate", "c" * 40, {**sealed, **changes}, at=1)


def certified_twice(scene: Scene, run: Any) -> None:
    """The run is made to name the line of the second certificate."""
    _certified_again(scene, tier="bit-exact")
    line = json.loads(scene.ledger.file.read_bytes().splitlines()[-1])
    client_of(scene.project).set_tag(run.info.run_id, "clintune.sealed", f"{line['number']}:{line['hash']}")


def certified_in_no_form(scene: Scene, _run: Any) -> None:
    _certified_again(scene, reported={"tags": 5})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (certified_twice, "of a replay: tag clintune.sealed"),
        (certified_in_no_form, "run without a name of a replay"),
        (bettered_while_it_is_said_to_wait, "of a replay: tag replay.tier"),
        (invented_while_it_is_said_to_wait, "line of the ledger: sealed one, found nothing"),
        (said_to_have_made_a_version, "model clintune-synthetic, version 2: run"),
        (said_to_have_logged_a_model, "of a replay: model better"),
        (said_to_show_a_model, "model m-"),
        (said_to_have_read_a_data_set, "of a replay: dataset "),
        (put_below_an_execution, "of a replay: execution"),
    ],
)
def test_what_is_hung_on_it_afterwards_is_found(scene, replay, change: Callable[[Scene, Any], None], words):
    try:
        change(scene, replay)
        found = [shown(one) for one in verified_quickly(scene.project)]
    finally:
        shutil.rmtree(scene.project.root / ".clintune/spool", ignore_errors=True)
    assert any(words in line for line in found), found
