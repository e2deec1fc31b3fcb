"""Programs of this environment, as the benchmarks run them."""

import os
import subprocess
import sys
from pathlib import Path


def run(folder: Path, *command: str) -> str:
    """Run a program in a folder; gives what it printed. What it says is shown only if it fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout
