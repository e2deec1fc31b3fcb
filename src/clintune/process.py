"""The processes around a stage: which `dvc` runs it, and how the stage ends when that one is gone."""

import ctypes
import fcntl
import hashlib
import os
import platform
import re
import signal
import sys
import threading
import time
from functools import cache
from pathlib import Path

import psutil

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_LOOK_EVERY = 0.5
_TIME_TO_END = 10.0
_MACHINES_OWN = "pid:[4026531836]"
"""The pid namespace that every Linux kernel begins with; a container has another, if not its host's."""


def dvc_process() -> psutil.Process | None:
    """The `dvc` process that runs this stage; None for a stage that was started by hand.

    DVC sets DVC_STAGE for its child and not for itself: the nearest ancestor without this value is DVC,
    under whatever name it runs (`python -m dvc`, a queue worker, a notebook).
    """
    stage = os.environ.get("DVC_STAGE")
    if stage is None:
        return None
    for ancestor in psutil.Process().parents():
        try:
            if ancestor.environ().get("DVC_STAGE") != stage:
                return ancestor
        except psutil.Error:
            continue
    return None


def identity(process: psutil.Process) -> str:
    """machine.boot/pid/start: names a process for good, also after its pid went to another one."""
    return f"{_here()}/{process.pid}/{_start(process)}"


@cache
def _here() -> str:
    """Where pids have the meaning that they have for this process; empty texts where /proc does not say."""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    boot = _line("/proc/sys/kernel/random/boot_id")
    return place(platform.node(), machine_id=_line("/etc/machine-id"), namespace=namespace, boot=boot)


def place(node: str, *, machine_id: str, namespace: str, boot: str) -> str:
    """node-machine.boot, of which the machine outlives its boots; a container begins and ends with one.

    Hosts and containers may share their node name, and the machine id of the image that they come from.
    Both are hashed: a machine id is not to be shown (machine-id(5)).
    """
    lasting = re.fullmatch("[0-9a-f]{32}", machine_id) and namespace == _MACHINES_OWN
    machine = _mark(machine_id, namespace, "" if lasting else boot)
    return f"{node}-{machine}.{_mark(boot)}"


def _mark(*words: str) -> str:
    return hashlib.sha256("\n".join(("clintune", *words)).encode()).hexdigest()[:8]


def _line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _start(process: psutil.Process) -> int:
    if sys.platform != "linux":
        return int(process.create_time() * 1000)
    # Ticks since boot. create_time() adds the time of the boot, which moves when the clock is set: a living
    # `dvc` would then be taken for a dead one.
    try:
        stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        raise psutil.NoSuchProcess(process.pid) from None
    return int(stat.rpartition(")")[2].split()[19])


def is_alive(name: str) -> bool | None:
    """Whether the process with this identity() runs; None where another machine would have to tell."""
    where, pid, _ = name.rsplit("/", 2)
    machine, _, boot = where.rpartition(".")
    this_machine, _, this_boot = _here().rpartition(".")
    if machine != this_machine:
        return None
    if boot != this_boot:
        return False  # it ended with that boot, or before
    try:
        process = psutil.Process(int(pid))
        return identity(process) == name and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def wait_for_turn(folder: Path) -> None:
    """Wait until no other stage runs in this working folder; this one then holds it until it ends.

    The stage of a `dvc` that was killed may live for some seconds beside that of the next `dvc`.
    """
    turn = os.open(folder, os.O_RDONLY)  # the lock goes with the process
    try:
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another stage still runs in this folder: waiting for its end.", file=sys.stderr, flush=True)
        fcntl.flock(turn, fcntl.LOCK_EX)


def die_with(parent: psutil.Process) -> None:
    """Send this process SIGTERM when `parent` ends, and SIGKILL if it does not obey.

    DVC takes no child with it: an orphaned stage and the next `dvc repro` would write the same outputs.
    """
    if sys.platform == "linux":
        # Covers only the direct parent, which may be the shell between DVC and the stage.
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    threading.Thread(target=_watch, args=(identity(parent),), name="watch-dvc", daemon=True).start()


def _watch(parent: str) -> None:
    while is_alive(parent):
        time.sleep(_LOOK_EVERY)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_TIME_TO_END)
    os.kill(os.getpid(), signal.SIGKILL)
