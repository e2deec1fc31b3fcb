"""A tracking server that is down costs seconds, never an output; later nothing is missing or doubled."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.project import Project, make_project
from tests.tracking.stores import client_of, files_of, runs_of, spooled

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(300)]

LAST = "preprocess"  # two stages say as much as six


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


def until(holds: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


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
    """The same stages with the local store; `untouched` is the project before they ran."""

    untouched: Path
    lock: bytes
    seconds: float
    records: list[tuple]


def records(project: Project, uri: str | None = None) -> list[tuple]:
    """What a store holds of the runs, without what differs from one execution to the next."""
    client, found = client_of(project, uri), []
    for run in runs_of(client):
        own = ("clintune.run", "dvc.exec_id", "mlflow.parentRunId", "git.commit", "mlflow.source.git.commit")
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
    with timed() as seconds:
        project.run("dvc", "repro", LAST)
    return Reference(untouched, (project.root / "dvc.lock").read_bytes(), seconds[0], records(project))


def repro(root: Path, server: Server, reference: Reference) -> Project:
    shutil.copytree(reference.untouched, root)
    project = Project(root, {"MLFLOW_TRACKING_URI": server.uri})
    with timed() as seconds:
        project.run("dvc", "repro", LAST)
    assert seconds[0] <= reference.seconds + 10
    assert (project.root / "dvc.lock").read_bytes() == reference.lock
    return project


def mend(project: Project, server: Server, reference: Reference) -> None:
    """The server is back: after `clintune send` it holds the whole, once."""
    done = project.run("clintune", "send")
    assert "Every run is in the tracking store." in done.stdout
    assert spooled(project) == []
    assert records(project, server.uri) == reference.records


def test_a_server_that_refuses_and_comes_up_later(tmp_path, server, reference):
    project = repro(tmp_path / "project", server, reference)
    assert len(spooled(project)) == 2
    refused = project.run("clintune", "send", ok=False)
    assert refused.returncode == 1
    assert "2 runs wait in the spool, unrecorded" in refused.stdout
    server.start()
    mend(project, server, reference)


@pytest.mark.parametrize(
    ("fault", "after"),
    [
        pytest.param("hang", 0, id="hangs from the start", marks=pytest.mark.slow),
        pytest.param("hang", 25, id="hangs half-way"),
        pytest.param("500", 0, id="says 500 from the start"),
        pytest.param("500", 25, id="says 500 half-way", marks=pytest.mark.slow),
    ],
)
def test_a_server_that_does_not_serve(fault, after, tmp_path, server, reference):
    server.start()
    server.fault(f"{fault} {server.requests() + after}")
    project = repro(tmp_path / "project", server, reference)
    assert server.requests() > after, "the fault was never met"
    assert spooled(project)
    server.fault(None)
    mend(project, server, reference)
