"""The one process of a repository that writes to the store: `python -m clintune.tracking.sender`.

It delivers the journals while their runs live, so that no stage waits for a server or imports MLflow,
and goes when all is delivered and no `dvc` that it saw is left.
"""

import os
import shutil
import signal
import stat
import sys
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import NoReturn

from clintune.process import is_alive
from clintune.startup import collect_seldom
from clintune.tracking.home import Home, home
from clintune.tracking.journal import ended, first_record, journals
from clintune.tracking.sending import INHERITED_LOCK, REJECTED
from clintune.tracking.store import Store, open_store

_LOOK_EVERY = 0.1
_LIVE_EVERY = 3.0
_LONGEST_STEP = 120.0
_LONG_AGO = 86_400.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


def main() -> None:
    """Deliver until there is nothing left to do. The lock that makes this the sender is inherited."""
    if not stat.S_ISREG(os.fstat(INHERITED_LOCK).st_mode):
        raise SystemExit("started by the stages, with their lock")
    collect_seldom()
    place = home()
    # The tree that this code comes from may be a temporary copy.
    os.chdir(place.root.parent)
    os.ftruncate(sys.stderr.fileno(), 0)
    Sender(place).run()


class Sender:
    """Delivers the spool of one repository."""

    def __init__(self, place: Home) -> None:
        self._home = place
        self._store: Store | None = None
        self._processes: set[str] = set()
        self._sent_at: dict[Path, float] = {}
        self._pause = _FIRST_PAUSE
        self._try_at = 0.0

    def run(self) -> None:
        """Until no process is left that could bring more, and one last round after that."""
        signal.signal(signal.SIGALRM, _step_took_too_long)
        _remove_leftovers(self._home.spool)
        for folder in journals(self._home.spool):
            (folder / REJECTED).unlink(missing_ok=True)
        while True:
            alone = self._alone()
            if alone or not self._home.trouble.exists() or time.monotonic() >= self._try_at:
                self._round()
            if alone:
                return
            time.sleep(_LOOK_EVERY)

    def _alone(self) -> bool:
        """Whether no run is alive, and no `dvc` (or stage started by hand) whose runs were seen."""
        folders = journals(self._home.spool)
        self._processes |= {first_record(folder).process for folder in folders}
        return all(map(ended, folders)) and not any(map(is_alive, self._processes))

    def _round(self) -> None:
        try:
            done = [self._deliver(folder) for folder in journals(self._home.spool) if self._is_due(folder)]
        except Exception as error:
            traceback.print_exc()
            self._home.trouble.write_text(f"{type(error).__name__}\n")
            self._store = None
            self._try_at = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        else:
            self._pause = _FIRST_PAUSE
            if any(done):
                self._home.trouble.unlink(missing_ok=True)

    def _is_due(self, folder: Path) -> bool:
        if (folder / REJECTED).exists():
            return False
        return ended(folder) or time.monotonic() - self._sent_at.get(folder, -_LIVE_EVERY) >= _LIVE_EVERY

    def _deliver(self, folder: Path) -> bool:
        """Send what is new of one run; False where the store takes others, but not this one."""
        self._got_on()
        if self._store is None:
            self._store = self._connect()
        from clintune.tracking.delivery import deliver, is_rejection

        try:
            whole = deliver(self._store, folder, self._got_on)
        except Exception as error:
            if not is_rejection(error):
                raise
            traceback.print_exc()
            (folder / REJECTED).touch()
            return False
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        self._sent_at[folder] = time.monotonic()
        if whole:
            _remove(folder)
        return True

    def _connect(self) -> Store:
        store = open_store(self._home, sender=True)
        self._got_on()
        from clintune.tracking.dead_runs import close_dead_runs

        close_dead_runs(store, self._home)
        self._got_on()
        return store

    def _got_on(self) -> None:
        self._home.sender_lock.touch()
        signal.setitimer(signal.ITIMER_REAL, _LONGEST_STEP)


def _step_took_too_long(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise TimeoutError("the store did not take one step in time")


def _remove(folder: Path) -> None:
    """Out of sight in one move, for others watch for it, and then from the disk."""
    hidden = folder.with_name(f".{folder.name}")
    folder.rename(hidden)
    shutil.rmtree(hidden, ignore_errors=True)


def _remove_leftovers(spool: Path) -> None:
    """Hidden folders, of processes that were killed while they made or removed one, long ago."""
    for hidden in spool.glob(".*"):
        if time.time() - hidden.stat().st_mtime > _LONG_AGO:
            shutil.rmtree(hidden, ignore_errors=True)


if __name__ == "__main__":
    main()
