"""How a stage starts the sender and waits for it, and for how long at most."""

import fcntl
import math
import os
import sys
import time
from pathlib import Path

from clintune.tracking.home import Home
from clintune.tracking.journal import ended, journals

INHERITED_LOCK = 3
"""The number of the sender's lock among its files: the first after input, output and errors."""

_LOOK_EVERY = 0.02
_STARTS = 3
"""A sender that ends without sending anything is a fault, not a reason to start it for ever."""
_PATIENCE = 4.0
"""Seconds without any progress after which no stage waits for a server, and the snapshot, which tries twice,
stops to. Below 10 in all for a dead one: the stages wait so long once, or twice where _LONGEST_WAIT ends the
first wait; then the snapshot knows of the trouble, and asks the server for a second (see snapshot.py)."""
_LONG_PATIENCE = 60.0
"""The same for a local store, which may be slow (its first use makes the schema), but answers; and for a
person who asks for it. The sender itself gives up on a server before that, and says so."""
_LONGEST_WAIT = 8.0
"""Seconds after which no stage waits for a server, though it gets on: the sender goes on alone."""
REJECTED = "rejected"
"""A file of this name marks a run that the store does not take, while it takes others."""


def start_sender(home: Home) -> bool:
    """Start the sender for this repository unless one is at work; says whether it had to."""
    home.root.mkdir(parents=True, exist_ok=True)
    with home.sender_lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        # The lock belongs to the open file, which the sender inherits: there is never a second one.
        _spawn(home, lock.fileno())
    return True


def _spawn(home: Home, lock: int) -> None:
    package = str(Path(__file__).parents[2])
    search_path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "clintune.tracking.sender"],
        {**os.environ, "PYTHONPATH": search_path, "DVC_ROOT": str(home.root.parent)},
        # A pipe of the stage would keep `dvc repro | tee` waiting for the sender.
        file_actions=[
            (os.POSIX_SPAWN_DUP2, lock, INHERITED_LOCK),
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(home.sender_log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def wait_until_sent(home: Home, folder: Path, *, patience: float, longest: float = math.inf) -> bool:
    """Wait until this closed run is whole in the store, `longest` seconds at most; says whether it is.

    Gives up at once while the store is in trouble, and after `patience` seconds without progress: then
    the run stays in the spool, and counts as unrecorded until it is sent.
    """
    start = got_on = time.monotonic()  # the clock may be set meanwhile
    sign, starts = 0, 0
    while folder.exists():
        if home.trouble.exists() or (folder / REJECTED).exists():
            return False
        if time.monotonic() - start > longest:
            return False
        starts += start_sender(home)
        if (last := home.sender_lock.stat().st_mtime_ns) != sign:
            sign, got_on = last, time.monotonic()
        if time.monotonic() - got_on > patience or starts > _STARTS:
            home.trouble.touch()
            return False
        time.sleep(_LOOK_EVERY)
    return True


def wait_a_little(home: Home, folder: Path) -> bool:
    """What a stage does at its end: wait_until_sent, but for a server only some seconds."""
    if home.is_local:
        return wait_until_sent(home, folder, patience=_LONG_PATIENCE)
    return wait_until_sent(home, folder, patience=_PATIENCE, longest=_LONGEST_WAIT)


def send_spooled(home: Home, *, patience: float = _LONG_PATIENCE) -> int:
    """Send what waits in the spool; returns how many ended runs are still not whole in the store."""
    # The sender may be at an attempt that began before the store was mended: its failure says nothing.
    return _send_once(home, patience) and _send_once(home, patience)


def send_briefly(home: Home) -> int:
    """What the snapshot does first: send_spooled, but with a stage's patience for a server."""
    return send_spooled(home, patience=_LONG_PATIENCE if home.is_local else _PATIENCE)


def waiting(home: Home) -> str:
    """How many runs wait in the spool, and where that is."""
    count, place = len(journals(home.spool)), f"{home.root.name}/{home.spool.name}"
    return f"1 run waits in {place}" if count == 1 else f"{count} runs wait in {place}"


def _send_once(home: Home, patience: float) -> int:
    folders = [folder for folder in journals(home.spool) if ended(folder)]
    for folder in folders:
        (folder / REJECTED).unlink(missing_ok=True)
    home.trouble.unlink(missing_ok=True)
    return sum(not wait_until_sent(home, folder, patience=patience) for folder in folders)
