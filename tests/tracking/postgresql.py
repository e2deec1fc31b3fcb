"""A PostgreSQL server of one's own, at a socket in a temporary folder."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """Where initdb is: in the PATH, or where Debian hides it."""
    folders = [*map(Path, os.get_exec_path()), *sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    return next((folder for folder in folders if (folder / "initdb").is_file()), None)


@contextmanager
def served() -> Iterator[str]:
    """The address of an empty database; its server ends with the block."""
    bin_folder, folder = programs(), Path(tempfile.mkdtemp(prefix="pg-"))
    assert bin_folder is not None
    # PostgreSQL refuses to run as root; its packages bring a user.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data, log = folder / "data", folder / "log"
    made = [bin_folder / "initdb", "-D", data, "-A", "trust", "-U", "owner", "-E", "UTF8", "--no-sync"]
    subprocess.run(made, check=True, capture_output=True, user=user, cwd=folder)
    command = [bin_folder / "postgres", "-D", data, "-k", folder, "-h", "", "-F"]
    with log.open("wb") as stream, subprocess.Popen(command, stderr=stream, user=user, cwd=folder) as server:
        try:
            _until_ready(folder, server, log)
            yield f"postgresql://owner@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)  # SIGTERM would wait for every client to leave
            server.wait()
            shutil.rmtree(folder)


def _until_ready(folder: Path, server: "subprocess.Popen[bytes]", log: Path) -> None:
    limit = time.monotonic() + 60
    while "ready to accept connections" not in log.read_text(errors="replace"):
        assert server.poll() is None, log.read_text(errors="replace")
        assert time.monotonic() < limit, "PostgreSQL does not get ready"
        time.sleep(0.05)
