"""Which process is which, also after the clock was set; and one stage at a time in a folder."""

import platform
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from clintune import process as processes
from clintune.process import identity, is_alive, place

SRC = Path(__file__).parents[2] / "src"


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_a_process_keeps_its_name_when_the_clock_is_set(sleeper, monkeypatch):
    name = identity(psutil.Process(sleeper.pid))
    real = psutil._psplatform.boot_time
    monkeypatch.setattr(psutil._psplatform, "boot_time", lambda: real() + 3600)
    assert identity(psutil.Process(sleeper.pid)) == name
    assert is_alive(name) is True


def test_a_process_that_ended_is_dead_also_before_its_parent_asked(sleeper):
    name = identity(psutil.Process(sleeper.pid))
    sleeper.kill()
    time.sleep(0.2)  # a zombie until wait()
    assert is_alive(name) is False
    sleeper.wait()
    assert is_alive(name) is False


def test_another_process_under_the_same_pid_is_not_the_one_that_was_meant(sleeper):
    host, pid, start = identity(psutil.Process(sleeper.pid)).rsplit("/", 2)
    assert is_alive(f"{host}/{pid}/{int(start) - 1}") is False


def test_of_another_machine_nothing_is_known():
    assert is_alive("elsewhere/1/1") is None
    assert is_alive("else.where.org-12345678.12345678/1/1") is None


ID, BOOT = "3d1219c7c4c5404aaa1f6d2a48adfda4", "080a4cbf-ae5f-492d-95d4-a9f17fca2221"
HOST = {"machine_id": ID, "namespace": "pid:[4026531836]", "boot": BOOT}
CONTAINER = HOST | {"namespace": "pid:[4026532178]"}
NOWHERE = {"machine_id": "", "namespace": "", "boot": ""}


@pytest.mark.parametrize(
    ("there", "here", "known"),
    [
        pytest.param(HOST, HOST, False, id="the same"),
        pytest.param(HOST, HOST | {"boot": "another"}, False, id="before a boot of the same machine"),
        pytest.param(HOST, HOST | {"machine_id": ID[::-1], "boot": "another"}, None, id="host of that name"),
        pytest.param(HOST, CONTAINER, None, id="on the host of this container"),
        pytest.param(CONTAINER, HOST, None, id="in a container of this host"),
        pytest.param(CONTAINER, CONTAINER | {"namespace": "pid:[4026532179]"}, None, id="container beside"),
        pytest.param(CONTAINER, CONTAINER | {"boot": "another"}, None, id="container elsewhere, same image"),
        pytest.param(
            HOST | {"machine_id": ""}, HOST | {"machine_id": "", "boot": "another"}, None, id="no machine id"
        ),
        pytest.param(
            HOST | {"machine_id": "uninitialized"}, HOST | {"machine_id": "uninitialized", "boot": "another"},
            None, id="a machine id that is none",
        ),
        pytest.param(NOWHERE, NOWHERE, False, id="no /proc: the node name must do"),
    ],
)  # fmt: skip
def test_a_pid_is_looked_up_only_where_it_means_the_same(there, here, known, monkeypatch):
    """The process is not among those of this machine: dead if it was here, unknown if it was not."""
    monkeypatch.setattr(processes, "_here", lambda: place("node.org", **here))
    assert is_alive(f"{place('node.org', **there)}/{2**22 + 1}/1") is known


def test_an_identity_begins_with_the_name_of_the_machine_and_shows_no_id_of_it():
    name = identity(psutil.Process())
    assert name.startswith(f"{platform.node()}-")
    for path in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id"):
        if Path(path).exists() and (secret := Path(path).read_text().strip()):
            assert secret[:8] not in name


def test_two_containers_on_one_machine_do_not_know_each_others_processes(sleeper):
    inside = ["unshare", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("unshare may not make a pid namespace here: it takes root, on Linux")
    code = (
        "import sys, psutil; from clintune.process import identity, is_alive\n"
        "print(is_alive(sys.argv[1]), is_alive(identity(psutil.Process())), identity(psutil.Process()))"
    )
    done = subprocess.run(
        [*inside, sys.executable, "-c", code, identity(psutil.Process(sleeper.pid))],
        env={"PYTHONPATH": str(SRC)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    theirs, own, name = done.stdout.split()
    assert (theirs, own) == ("None", "True")
    assert is_alive(name) is None


def test_a_second_stage_in_the_same_folder_waits_for_the_first(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from clintune.process import wait_for_turn\n"
        "wait_for_turn(Path()); print(time.time(), flush=True); time.sleep(float(sys.argv[1]))\n"
        "print(time.time(), flush=True)"
    )

    def start(folder: Path, seconds: float) -> subprocess.Popen[str]:
        words, pipe = [sys.executable, "-c", code, str(seconds)], subprocess.PIPE
        environment = {"PYTHONPATH": str(SRC)}
        return subprocess.Popen(words, cwd=folder, text=True, env=environment, stdout=pipe, stderr=pipe)

    first = start(tmp_path, 1.5)
    assert first.stdout is not None
    began = float(first.stdout.readline())
    second, elsewhere = start(tmp_path, 0), start(SRC, 0)
    beside = float(elsewhere.communicate(timeout=20)[0].split()[0])
    ended = float(first.communicate(timeout=20)[0])
    after, said = second.communicate(timeout=20)
    assert began < beside < ended < float(after.split()[0])
    assert "waiting for its end" in said
