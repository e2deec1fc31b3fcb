"""Programs of this environment, as the benchmarks run them."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds from start to end, and the most memory that one of its processes had."""

    seconds: float
    peak_mib: float


def run(folder: Path, *command: str) -> str:
    """Run a program in a folder; gives what it printed. What it says is shown only if it fails."""
    return measured(folder, *command)[0]


def measured(folder: Path, *command: str) -> tuple[str, Cost]:
    """The same, and what it cost. Unlike RUSAGE_CHILDREN, wait4 knows nothing of programs that ran before."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"}
    with TemporaryFile() as out, TemporaryFile() as err:
        began = time.monotonic()
        with subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=err) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        cost = Cost(time.monotonic() - began, usage.ru_maxrss / 1024)
        for stream in (out, err):
            stream.seek(0)
        printed, complaints = (stream.read().decode("utf-8", "replace") for stream in (out, err))
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}\n{printed}\n{complaints}")
    return printed, cost
