"""The processes around a stage: which `dvc` runs it, and how the stage ends when that one is gone."""

import ctypes
import fcntl
import os
import platform
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType

import psutil

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_LOOK_EVERY = 0.5
_TIME_TO_END = 10.0
_TERMINATED = 128 + signal.SIGTERM


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
    """host/pid/start: names a process for good, also after its pid went to another one."""
    return f"{platform.node()}/{process.pid}/{_start(process)}"


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
    """Whether the process with this identity() runs; None where another host would have to tell."""
    host, pid, _ = name.rsplit("/", 2)
    if host != platform.node():
        return None
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


def end_in_order() -> None:
    """Let SIGTERM raise SystemExit, so that a stage can put down its state; once, for several may arrive."""
    signal.signal(signal.SIGTERM, _raise_exit)


def _raise_exit(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(_TERMINATED)


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
