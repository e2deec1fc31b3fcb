"""A tracking server that is down costs seconds, never an output; later nothing is missing or doubled."""

import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.killing import until
from tests.project import ROOT, Project, make_project
from tests.tracking.stores import client_of, files_of, runs_of, spooled, stage_runs

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(300)]

LAST = "preprocess"  # two stages say as much as six
MOST = 10
"""Seconds that a dead server may cost one `make repro`, everything counted."""


@dataclass
class Server:
    """Starts when it is told to; `fault` as in faulty_server.py."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fault(self, words: str | None) -> None:
        path = self.folder / "fault"
        path.unlink(missing_ok=True)
        if words is not None:
            path.write_text(words)

    def requests(self) -> int:
        return int((self.folder / "requests").read_text())

    def start(self) -> None:
        script = Path(__file__).with_name("faulty_server.py")
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(script), str(self.folder), str(self.port)], stdout=log, stderr=log
            )
        until(self._answers, 60)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(
                f"{self.uri}/api/2.0/mlflow/experiments/get?experiment_id=0", timeout=30
            ).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = Server(tmp_path / "server", free.getsockname()[1])
    server.folder.mkdir()
    yield server
    if server.process is not None:
        server.process.kill()
        server.process.wait()


@contextmanager
def timed() -> Iterator[list[float]]:
    start, seconds = time.monotonic(), [0.0]
    yield seconds
    seconds[0] = time.monotonic() - start


@dataclass(frozen=True)
class Reference:
    """The same stages with the local store; `untouched` is the project before they ran.

    `seconds` is how long all lines of `make repro` took, `afterwards` those after the stages.
    """

    untouched: Path
    lock: bytes
    seconds: float
    afterwards: float
    records: list[tuple]


def lines_of_make_repro() -> list[str]:
    """What `make repro` runs once everything is set up: the stages, and what comes after them."""
    [recipe] = re.findall(r"^repro:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    before, stages, *afterwards = [line.strip().removeprefix("@") for line in recipe.splitlines()]
    assert (before, stages) == ("clintune mend", "dvc repro")  # the first asks no server
    return [f"{stages} {LAST}", *afterwards]


def say(project: Project, *lines: str) -> str:
    """Run lines of the Makefile, which stops at the first that fails; returns all that they said."""
    said = ""
    for line in lines:
        done = project.run("bash", "-c", line)
        said += done.stdout + done.stderr
    return said


def records(project: Project, uri: str | None = None) -> list[tuple]:
    """What a store holds of the runs, without what differs from one execution to the next."""
    client, found = client_of(project, uri), []
    for run in runs_of(client, "tags.`dvc.kind` != 'snapshot'"):
        own = ("clintune.run", "clintune.sealed", "clintune.ledger", "dvc.exec_id", "mlflow.parentRunId",
               "git.commit", "mlflow.source.git.commit")  # fmt: skip
        tags = {key: value for key, value in run.data.tags.items() if key not in own}
        if tags["dvc.kind"] == "pipeline":
            tags = {"dvc.cmd": tags["dvc.cmd"]}
        numbers = {
            key: [(one.step, one.value) for one in client.get_metric_history(run.info.run_id, key)]
            for key in run.data.metrics
        }
        datasets = sorted(one.dataset.digest for one in run.inputs.dataset_inputs)
        files = sorted(files_of(client, run.info.run_id))
        name = run.info.run_name.split(" @ ")[0]
        found.append((name, run.info.status, run.data.params, tags, numbers, datasets, files))
    return found


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> Reference:
    root = tmp_path_factory.mktemp("served")
    untouched = make_project(root / "untouched").root
    project = Project(shutil.copytree(untouched, root / "project"))
    stages, *afterwards = lines_of_make_repro()
    with timed() as all_seconds:
        say(project, stages)
        with timed() as seconds:
            say(project, *afterwards)
    lock = (project.root / "dvc.lock").read_bytes()
    return Reference(untouched, lock, all_seconds[0], seconds[0], records(project))


def repro(root: Path, server: Server, reference: Reference) -> tuple[Project, str]:
    """The project after the lines of `make repro`, and what these said."""
    shutil.copytree(reference.untouched, root)
    project = Project(root, {"MLFLOW_TRACKING_URI": server.uri})
    with timed() as seconds:
        said = say(project, *lines_of_make_repro())
    lost = seconds[0] - reference.seconds
    print(f"lost {lost:.1f} s of {MOST}; with the local store: {reference.seconds:.1f} s")
    assert lost <= MOST, said
    assert (project.root / "dvc.lock").read_bytes() == reference.lock
    return project, said


def expect_a_word(project: Project, server: Server, said: str) -> None:
    """Once a stage, and one line after the stages, say that records wait, where, and what to do."""
    waiting = len(spooled(project))
    [early] = [line for line in said.splitlines() if "has not taken this run yet" in line]
    assert early.endswith("in .clintune/spool; later: clintune send")
    [line] = [line for line in said.splitlines() if "does not answer" in line]
    assert line.startswith(f"{server.uri}: ")
    assert f"{waiting} runs wait in .clintune/spool" in line
    assert line.endswith("clintune send")


def mend(project: Project, server: Server, reference: Reference) -> None:
    """The server is back: after `clintune send` it holds the whole, once."""
    done = project.run("clintune", "send")
    assert "Every run is in the tracking store." in done.stdout
    assert spooled(project) == []
    assert records(project, server.uri) == reference.records


def test_a_server_that_serves_has_everything_and_each_clone_verifies_its_own(tmp_path, server, reference):
    server.start()
    project, said = repro(tmp_path / "project", server, reference)
    assert spooled(project) == []
    assert records(project, server.uri) == reference.records
    [snapshot] = runs_of(client_of(project, server.uri), "tags.`dvc.kind` = 'snapshot'")
    assert snapshot.info.status == "FINISHED"
    assert "wait in" not in said
    other, _ = repro(tmp_path / "other", server, reference)
    assert spooled(other) == []
    for clone in (project, other):
        verdict = clone.run("clintune", "verify").stdout
        assert "2 run(s) of other ledgers that were left to those" in verdict
    [run, _] = stage_runs(client_of(project, server.uri), "ingest")
    client_of(project, server.uri).set_tag(run.info.run_id, "clintune.ledger", "of somebody else")
    found = project.run("clintune", "verify", ok=False)
    assert found.returncode == 1
    assert "tag clintune.ledger" in found.stdout
    assert other.run("clintune", "verify").returncode == 0


def test_a_server_that_refuses_and_comes_up_later(tmp_path, server, reference):
    project, said = repro(tmp_path / "project", server, reference)
    assert len(spooled(project)) == 2
    expect_a_word(project, server, said)
    refused = project.run("clintune", "send", ok=False)
    assert refused.returncode == 1
    assert f"Sending 2 runs to {server.uri}" in refused.stdout
    assert "2 runs wait in .clintune/spool, unrecorded" in refused.stdout
    server.start()
    mend(project, server, reference)


@pytest.mark.parametrize(
    ("fault", "after"),
    [
        pytest.param("hang", 0, id="hangs from the start", marks=pytest.mark.slow),
        pytest.param("hang", 25, id="hangs half-way"),
        pytest.param("500", 0, id="says 500 from the start", marks=pytest.mark.slow),
        pytest.param("500", 25, id="says 500 half-way", marks=pytest.mark.slow),
    ],
)
def test_a_server_that_does_not_serve(fault, after, tmp_path, server, reference):
    server.start()
    server.fault(f"{fault} {server.requests() + after}")
    project, said = repro(tmp_path / "project", server, reference)
    assert server.requests() > after, "the fault was never met"
    assert spooled(project)
    expect_a_word(project, server, said)
    server.fault(None)
    mend(project, server, reference)


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(0, id="before the snapshot"),
        pytest.param(5, id="within it", marks=pytest.mark.slow),
    ],
)
def test_a_server_that_hangs_when_the_stages_are_over(after, tmp_path, server, reference):
    server.start()
    shutil.copytree(reference.untouched, tmp_path / "project")
    project = Project(tmp_path / "project", {"MLFLOW_TRACKING_URI": server.uri})
    stages, *afterwards = lines_of_make_repro()
    say(project, stages)
    until(lambda: spooled(project) == [], 60)
    server.fault(f"hang {server.requests() + after}")
    with timed() as seconds:
        said = say(project, *afterwards)
    lost = seconds[0] - reference.afterwards
    print(f"lost {lost:.1f} s of {MOST}; with the local store: {reference.afterwards:.1f} s")
    assert lost <= MOST
    assert f"{server.uri}: the tracking store does not answer" in said
    server.fault(None)
    mend(project, server, reference)
