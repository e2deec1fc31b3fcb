"""Experiments: in a queue, in a temporary copy; all in the one store of the repository."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.killing import until
from tests.project import Project, make_project
from tests.tracking.stores import client_of, runs_of, spooled, stage_runs

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(1800)]

STAGES = list(YAML(typ="safe").load(Path(__file__).parents[1] / "dvc.yaml")["stages"])
FEW = {"train": {"epochs": 1}, "evaluate": {"resamples": 5}}
QUEUED = 4


CODE_OF_THE_COPY = """
_describe = describe


def describe(*facts):
    return _describe(*facts) + " By the code of the copy."
"""


def run_queue(project: Project, last: str) -> None:
    """Four experiments at once, none of which can take anything from another.

    Their code is not that of the folder in which they are started.
    """
    library = project.root / "src" / "clintune" / "ingesting.py"
    library.write_text(library.read_text() + CODE_OF_THE_COPY)
    for seed in range(QUEUED):
        project.run("dvc", "exp", "run", "--queue", "-n", f"seed-{seed}", "-S", f"seed={seed}", last)
    project.run("git", "checkout", "-q", "src")
    # The workers hold its output open until the queue is empty.
    project.run("dvc", "queue", "start", "-j", str(QUEUED), timeout=1500)
    until(lambda: over(project.run("dvc", "queue", "status").stdout), 1500, every=3)
    assert "Failed" not in project.run("dvc", "queue", "status").stdout


def over(said: str) -> bool:
    return said.count("Success") == QUEUED or "Failed" in said


def expect_complete_sets(project: Project, stages: list[str]) -> None:
    client = client_of(project)
    parents = runs_of(client, "tags.`dvc.kind` = 'pipeline'")
    assert sorted(run.data.tags["dvc.exp_name"] for run in parents) == [
        f"seed-{one}" for one in range(QUEUED)
    ]
    assert {run.info.status for run in parents} == {"FINISHED"}
    for parent in parents:
        name = parent.data.tags["dvc.exp_name"]
        assert parent.info.run_name.startswith(f"{name} @ ")
        children = [
            run for run in stage_runs(client) if run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        ]
        assert [run.data.tags["dvc.stage"] for run in children] == stages
        assert {run.info.status for run in children} == {"FINISHED"}
        assert {run.data.params["seed"] for run in children if "seed" in run.data.params} == {name[-1]}
        assert {run.data.tags["dvc.exp_name"] for run in children} == {name}
        assert "By the code of the copy." in children[0].data.tags["mlflow.note.content"]
    assert len(stage_runs(client)) == QUEUED * len(stages)
    assert spooled(project) == []


def test_four_queued_experiments_on_a_store_that_does_not_exist_yet_are_four_sets_of_runs(tmp_path):
    project = make_project(tmp_path / "project", FEW)
    assert not (project.root / ".clintune").exists()
    run_queue(project, STAGES[1])
    expect_complete_sets(project, STAGES[:2])
    assert "seed: 0 -> 1 (" in project.run("clintune", "diff", "seed-0", "seed-1").stdout


@pytest.mark.slow
def test_four_queued_experiments_of_all_stages(tmp_path):
    project = make_project(tmp_path / "project", FEW)
    run_queue(project, STAGES[-1])
    expect_complete_sets(project, STAGES)


def test_an_experiment_in_a_temporary_copy_lands_in_the_same_store(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    project.commit("the first results")
    model = project.root / "data/checkpoint/model.safetensors"
    before = model.read_bytes()
    project.run("dvc", "exp", "run", "--temp", "-n", "short", "-S", "train.epochs=2", "train")
    [_, train] = stage_runs(client_of(project), "train")
    assert train.data.params["train.epochs"] == "2"
    assert train.data.tags["dvc.exp_name"] == "short"
    assert train.data.tags["git.dirty"] == "true"
    assert Path(train.info.artifact_uri.removeprefix("file://")).is_relative_to(project.root / ".clintune")
    assert model.read_bytes() == before
