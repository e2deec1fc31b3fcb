"""SIGKILL of a pipeline: of `dvc` with everything it started, or of `dvc` alone."""

import os
import signal
import subprocess
import time
from collections.abc import Callable

import psutil

from tests.project import Project


def start(project: Project, *command: str) -> subprocess.Popen[bytes]:
    """The command in the background, its words in a file."""
    with (project.root.parent / "killed.log").open("ab") as log:
        return subprocess.Popen(
            command, cwd=project.root, env=project.variables, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )


def until(holds: Callable[[], object], seconds: float = 60, *, every: float = 0.02) -> None:
    """Wait for a moment that must come; to ask whether it has may cost a process."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(every)


def senders(project: Project) -> list[psutil.Process]:
    """The senders of this project: in a session of their own."""
    return [one for one in psutil.process_iter() if _is_sender(one, str(project.root.resolve()))]


def _is_sender(process: psutil.Process, root: str) -> bool:
    try:
        return "clintune.tracking.sender" in process.cmdline() and process.environ().get("DVC_ROOT") == root
    except psutil.Error:
        return False


def kill_all(project: Project, dvc: subprocess.Popen[bytes]) -> None:
    """`dvc`, the stage, what that started, and the sender: stopped first, so that nobody sees another die."""
    tree = [psutil.Process(dvc.pid), *psutil.Process(dvc.pid).children(recursive=True), *senders(project)]
    for kind in (signal.SIGSTOP, signal.SIGKILL):
        for process in tree:
            try:
                os.kill(process.pid, kind)
            except ProcessLookupError:
                continue
    dvc.wait()
    psutil.wait_procs(tree, timeout=10)


def journal_of(project: Project, stage: str) -> bool:
    """Whether a run of this stage has begun, and waits."""
    return any((project.root / ".clintune" / "spool").glob(f"[0-9]*-{stage}-*"))
