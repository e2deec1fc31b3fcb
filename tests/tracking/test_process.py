"""Which process is which, also after the clock was set; and one stage at a time in a folder."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from clintune.process import identity, is_alive

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


def test_of_another_host_nothing_is_known():
    assert is_alive("elsewhere/1/1") is None


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
