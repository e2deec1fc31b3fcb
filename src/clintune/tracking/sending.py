"""How a stage starts the sender and waits for it, and for how long at most."""

import fcntl
import os
import sys
import time
from pathlib import Path

from clintune.tracking.home import Home
from clintune.tracking.journal import ended, journals

_LOOK_EVERY = 0.02
_PATIENCE = 4.0
"""Seconds without any progress after which nobody waits for a server."""
_LOCAL_PATIENCE = 60.0
"""The same for a local store: it may be slow (its first use makes the schema), but it answers."""


def start_sender(home: Home) -> None:
    """Start the sender for this repository unless one is at work."""
    home.root.mkdir(parents=True, exist_ok=True)
    if _sender_works(home):
        return
    package = str(Path(__file__).parents[2])
    inherited = os.environ.get("PYTHONPATH")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [package, inherited])),
        "DVC_ROOT": str(home.root.parent),
    }
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "clintune.tracking.sender"],
        environment,
        # A pipe of the stage would keep `dvc repro | tee` waiting for the sender.
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(home.sender_log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def _sender_works(home: Home) -> bool:
    with home.sender_lock.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def wait_until_sent(home: Home, folder: Path) -> bool:
    """Wait until this closed run is whole in the store; says whether it is.

    Gives up at once while the store is in trouble, and after some seconds without progress: then the
    run stays in the spool, and counts as unrecorded until it is sent.
    """
    patience = _LOCAL_PATIENCE if home.is_local else _PATIENCE
    start = time.time()
    while folder.exists():
        if home.trouble.exists() or (folder / "rejected").exists():
            return False
        start_sender(home)
        if time.time() - max(start, home.sender_lock.stat().st_mtime) > patience:
            home.trouble.touch()
            return False
        time.sleep(_LOOK_EVERY)
    return True


def send_spooled(home: Home) -> int:
    """Send what waits in the spool; returns how many ended runs are still not whole in the store."""
    home.trouble.unlink(missing_ok=True)
    return sum(not wait_until_sent(home, folder) for folder in journals(home.spool) if ended(folder))
