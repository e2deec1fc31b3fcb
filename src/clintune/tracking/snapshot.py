"""After the last stage: which run made each entry of dvc.lock, also where no stage had to run."""

import sys
from dataclasses import dataclass
from pathlib import Path

from clintune import provenance
from clintune.errors import TrackingError, UserError
from clintune.lockfile import read_lock
from clintune.tracking.delivery import create_run
from clintune.tracking.home import Home, home
from clintune.tracking.journal import now
from clintune.tracking.queries import Producers, find_producers
from clintune.tracking.run import NOTE
from clintune.tracking.sending import send_spooled
from clintune.tracking.store import Store, open_store

_FILES = ("dvc.lock", "dvc.yaml", "params.yaml")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The producers of what lies here now, and the run that says so."""

    run_id: str
    producers: tuple[Producers, ...]

    @property
    def complete(self) -> bool:
        """Whether each entry of dvc.lock has a producer."""
        return all(one.runs for one in self.producers)


def snapshot(place: Home) -> Snapshot:
    """Send what waits in the spool, then record who made what dvc.lock names.

    Where the last snapshot says the same already, it stands. Raises TrackingError where the store does
    not answer.
    """
    lock = Path("dvc.lock")
    entries = read_lock(lock)
    send_spooled(place)
    store = reach_store(place)
    producers = tuple(find_producers(store, place, entries))
    return Snapshot(_record(store, producers, provenance.text_sha256(lock.read_text())), producers)
