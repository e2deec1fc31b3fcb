"""A pipeline that is killed at any moment and run again ends as if nothing had been."""

import filecmp
import os
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psutil
import pytest
from ruamel.yaml import YAML

from clintune.tracking.journal import Closed, read
from tests.killing import journal_of, kill_all, senders, start, until
from tests.project import Project
from tests.tracking.stores import client_of, runs_of, spooled, stage_runs

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(3000)]

STAGES = list(YAML(typ="safe").load(Path(__file__).parents[1] / "dvc.yaml")["stages"])


@dataclass
class Undisturbed:
    """A project after an uninterrupted run; `kept` is a copy of its outputs, `seconds` how long each took."""

    project: Project
    lock: bytes
    kept: Path
    seconds: dict[str, float]


@pytest.fixture(scope="module")
def undisturbed(finished: Project, tmp_path_factory) -> Undisturbed:
    root = tmp_path_factory.mktemp("killed")
    (root / "temporary").mkdir()
    project = replace(
        finished.copy(root / "project"),
        environment={**finished.environment, "TMPDIR": str(root / "temporary")},
    )
    shutil.copytree(project.root / "data", root / "kept")
    took = {
        run.data.tags["dvc.stage"]: (run.info.end_time - run.info.start_time) / 1000
        for run in stage_runs(client_of(project))
    }
    assert list(took) == STAGES
    return Undisturbed(project, (project.root / "dvc.lock").read_bytes(), root / "kept", took)


def rewind(undisturbed: Undisturbed, stages: list[str]) -> None:
    """As if these stages had never run: DVC knows nothing of them, and nothing of theirs is on disk."""
    project = undisturbed.project
    # Not there after a test that failed: it must not fail the next ones.
    shutil.rmtree(project.root / ".dvc" / "cache" / "runs", ignore_errors=True)
    path, yaml = project.root / "dvc.lock", YAML()
    lock = yaml.load(undisturbed.lock)
    for stage in stages:
        for out in lock["stages"].pop(stage)["outs"]:
            project.run("rm", "-rf", out["path"])
    yaml.dump(lock, path)


def expect_the_same_lock(undisturbed: Undisturbed) -> None:
    """All but the order of the stages, which is that in which they ran."""
    yaml = YAML(typ="safe")
    assert yaml.load(undisturbed.project.root / "dvc.lock") == yaml.load(undisturbed.lock)


def half_written(undisturbed: Undisturbed) -> list[str]:
    """Files under data/, drafts apart, that are not byte for byte what an uninterrupted run writes."""
    data = undisturbed.project.root / "data"
    files = [path.relative_to(data) for path in data.rglob("*") if path.is_file()]
    whole = [path for path in files if not any(part.endswith(".draft") for part in path.parts)]
    return [
        str(path) for path in whole
        if path.name != ".gitignore" and not filecmp.cmp(data / path, undisturbed.kept / path, shallow=False)
    ]  # fmt: skip


def last_words(folder: Path) -> str:
    """How the run of this journal ended: as it said itself, or killed while it ran."""
    *_, (last, _) = read(folder, 0)
    return last.status if isinstance(last, Closed) else "KILLED"


def until_it_writes(undisturbed: Undisturbed, stage: str) -> None:
    """Wait for the first file of this stage, of which nothing was on disk: in its place, or in a draft."""
    data, lock = undisturbed.project.root / "data", YAML(typ="safe").load(undisturbed.lock)
    outs = {Path(out["path"]).parts[1] for out in lock["stages"][stage]["outs"]}
    places = [data / name for out in outs for name in (out, f".{out}.draft")]
    until(lambda: any(files for place in places for _, _, files in os.walk(place)), every=0.001)


def kill_and_run_again(
    undisturbed: Undisturbed, stages: list[str], moment: Callable[[], object]
) -> list[str]:
    """Kill all when `moment` is over, which begins with the first of `stages`; these never ran before.

    Returns how the runs ended that were in the spool then.
    """
    project, stage = undisturbed.project, stages[0]
    rewind(undisturbed, stages)
    before = {run.info.run_id for run in stage_runs(client_of(project))}
    dvc = start(project, "dvc", "repro")
    until(lambda: journal_of(project, stage) or dvc.poll() is not None)
    moment()
    kill_all(project, dvc)
    ends = {folder.name: last_words(folder) for folder in spooled(project)}
    assert half_written(undisturbed) == []
    assert list((project.root.parent / "temporary").iterdir()) == []  # what was unpacked there holds records
    mended = project.run("clintune", "mend").stdout  # as `make repro` does: DVC writes dvc.lock in place
    project.run("dvc", "repro", timeout=600)

    expect_the_same_lock(undisturbed)
    assert half_written(undisturbed) == []
    drafts = [*project.root.glob(".*.draft"), *(project.root / "data").rglob(".*.draft")]
    assert drafts == []
    assert "up to date" in project.run("dvc", "status").stdout
    until(lambda: not senders(project))
    assert spooled(project) == []
    client = client_of(project)
    runs = {run.data.tags["clintune.run"]: run for run in stage_runs(client)}
    assert {key: runs[key].info.status for key in ends} == ends
    assert runs_of(client, "attributes.status = 'RUNNING'") == []
    again = [run for run in runs.values() if run.info.run_id not in before and run.info.status == "FINISHED"]
    made = {run.data.tags["dvc.stage"] for run in again}
    # A torn lock gets the entries of the undisturbed run again: DVC restores what they name from its cache.
    restored = set(stages[1:]) if "made anew from the sealed records" in mended else set()
    assert made | restored == set(stages)
    project.run("clintune", "verify")
    return list(ends.values())


LONG = pytest.mark.slow
"""The first and the last stage; one between them is killed in every run of the tests."""


@pytest.mark.parametrize(
    "stage",
    [STAGES[len(STAGES) // 2], pytest.param(STAGES[0], marks=LONG), pytest.param(STAGES[-1], marks=LONG)],
)
def test_a_pipeline_killed_while_a_stage_writes_and_run_again_has_the_same_lock(undisturbed, stage):
    moment = partial(until_it_writes, undisturbed, stage)
    assert kill_and_run_again(undisturbed, [stage], moment) == ["KILLED"]


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(30))
def test_a_pipeline_killed_at_a_random_moment_and_run_again_has_the_same_lock(undisturbed, moment):
    # Later than its run lasts, too: between two stages, or within the next one.
    dice, first = random.Random(moment), moment % len(STAGES)
    delay = dice.uniform(0, 2 + 1.2 * undisturbed.seconds[STAGES[first]])
    kill_and_run_again(undisturbed, STAGES[first : first + 2], partial(time.sleep, delay))


def stages_alive(project: Project) -> list[psutil.Process]:
    found = {}
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(project.root.resolve()) and "-m" in process.cmdline() and any(
                word.startswith("pipeline.") for word in process.cmdline()
            ) and process.status() != psutil.STATUS_ZOMBIE:  # fmt: skip
                found[process.pid] = process, process.ppid()
        except psutil.Error:
            continue
    # Between fork and exec the child of a stage (git, say) looks like the stage.
    return [process for process, parent in found.values() if parent not in found]


def test_a_dvc_that_is_killed_alone_leaves_no_stage_beside_the_next(undisturbed):
    project = undisturbed.project
    rewind(undisturbed, ["train"])
    dvc = start(project, "dvc", "repro", "train")
    until(lambda: journal_of(project, "train"))
    [orphan] = stages_alive(project)
    dvc.kill()
    dvc.wait()
    second = start(project, "dvc", "repro", "train")
    together = 0
    while second.poll() is None:
        journals = len(list((project.root / ".clintune" / "spool").glob("[0-9]*-train-*")))
        together += orphan.is_running() and len(stages_alive(project)) > 1 and journals > 1
        time.sleep(0.05)
    assert second.returncode == 0
    assert together == 0
    assert not orphan.is_running()
    expect_the_same_lock(undisturbed)
    statuses = [run.info.status for run in stage_runs(client_of(project), "train")[-2:]]
    assert statuses == ["KILLED", "FINISHED"]
