"""What every program of clintune does first."""

import atexit
import gc
import signal
from types import FrameType

_THRESHOLDS = 50_000, 20, 20
_TERMINATED = 128 + signal.SIGTERM


def begin() -> None:
    """Once, before anything else: in the main thread."""
    collect_seldom()
    signal.signal(signal.SIGTERM, _raise_exit)


def _raise_exit(_signal: int, _frame: FrameType | None) -> None:
    """End in order: a stage puts down its state, and temporary copies of records go.

    Once, for several signals may arrive.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(_TERMINATED)


def collect_seldom() -> None:
    """Spare the search for garbage that is not there.

    To import torch, transformers or MLflow makes a million objects that live as long as the process. Python
    looks through them for cycles again and again while they are made, which is a quarter of the time that the
    import takes, and once more when it ends. What is in no cycle is given back at once all the same.
    """
    gc.set_threshold(*_THRESHOLDS)
    atexit.register(gc.freeze)  # the last search finds nothing to look at
