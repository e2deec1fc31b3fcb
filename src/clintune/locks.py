"""Whether somebody holds a lock, asked without waiting for it."""

import fcntl
import os
from pathlib import Path


def is_held(path: Path) -> bool:
    """Whether another open file has the lock (flock) of this file or folder to itself."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
