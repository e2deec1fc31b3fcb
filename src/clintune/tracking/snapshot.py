"""After the last stage: which run made each entry of dvc.lock, also where no stage had to run."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from clintune import provenance, working_tree
from clintune.errors import TrackingError, UserError
from clintune.lockfile import LockEntry, read_lock
from clintune.process import identity
from clintune.tracking import notes
from clintune.tracking.home import Home, home, without_password
from clintune.tracking.journal import journals, now
from clintune.tracking.queries import Producers, find_producers
from clintune.tracking.run import NOTE
from clintune.tracking.sending import send_briefly, waiting
from clintune.tracking.store import Store, answering, open_store

_FILES = ("dvc.lock", "dvc.yaml", "params.yaml")
_NO_PRODUCER, _NOT_CHECKED = 1, 2
_AFTER_TROUBLE = 1.0
"""Seconds for a server to answer that a stage found silent: it has cost `make repro` enough."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Who made what dvc.lock names now, and the run that says so."""

    run_id: str
    producers: tuple[Producers, ...]

    @property
    def complete(self) -> bool:
        """Whether each entry of dvc.lock has a producer."""
        return all(one.runs for one in self.producers)


def snapshot(place: Home) -> Snapshot:
    """Send what waits in the spool, then record who made what dvc.lock names.

    Where the last snapshot says the same of the same commit, it stands. Raises TrackingError where there
    is no lock file, or the store does not take what it is sent: soon, for this comes after the stages.
    """
    entries = read_lock(Path("dvc.lock"))
    try:
        return _snapshot(place, entries)
    except TrackingError as error:
        if not journals(place.spool):
            raise
        problem, then = f"{error.problem}, so {waiting(place)}", f"{error.next_step}, then clintune send"
        raise TrackingError(error.place, problem, then) from error


def _snapshot(place: Home, entries: Mapping[str, LockEntry]) -> Snapshot:
    store = open_store(place, within=_AFTER_TROUBLE if place.trouble.exists() else None)
    send_briefly(place)
    if place.trouble.exists():
        log = f"{place.root.name}/{place.sender_log.name}"
        problem, then = "the tracking store does not answer as it should", f"{log} says why: mend it"
        raise TrackingError(without_password(place.uri), problem, then)
    with answering(store.uri):
        producers = tuple(find_producers(store, place, entries))
        tags = _tags(producers)
        run_id = _standing(store, tags) or _record(store, tags, complete=all(one.runs for one in producers))
    return Snapshot(run_id, producers)


def _tags(producers: tuple[Producers, ...]) -> dict[str, str]:
    """What a snapshot says. Two that say the same have the same tags."""
    commit = working_tree.commit(Path())
    return {
        "dvc.kind": "snapshot",
        "dvc.lock_sha256": provenance.text_sha256(Path("dvc.lock").read_text(encoding="utf-8")),
        "mlflow.user": provenance.user(),
        "mlflow.source.name": "dvc.lock",
        "mlflow.source.type": "LOCAL",
        NOTE: notes.snapshot(producers),
        **(commit.tags() if commit else {}),
    }


def _standing(store: Store, tags: Mapping[str, str]) -> str | None:
    last = store.client.search_runs(
        [store.experiment_id],
        "tags.`dvc.kind` = 'snapshot'",
        max_results=1,
        order_by=["attributes.start_time DESC"],
    )
    if last and last[0].info.status != "RUNNING" and tags.items() <= last[0].data.tags.items():
        return str(last[0].info.run_id)
    return None


def _record(store: Store, tags: Mapping[str, str], *, complete: bool) -> str:
    name = f"snapshot @ {tags['git.commit'][:7]}" if "git.commit" in tags else "snapshot"
    own = {"dvc.exec_id": identity(psutil.Process())}
    run = store.client.create_run(store.experiment_id, start_time=now(), tags={**tags, **own}, run_name=name)
    run_id = str(run.info.run_id)
    for file in filter(Path.exists, map(Path, _FILES)):
        store.client.log_artifact(run_id, str(file), "dvc")
    store.client.set_terminated(run_id, "FINISHED" if complete else "FAILED", now())
    return run_id


def main() -> int:
    """Print the producers. 0: all are known; 1: some are not; 2: could not be checked."""
    try:
        found = snapshot(home())
    except UserError as error:
        print(error, file=sys.stderr)
        return _NOT_CHECKED
    print("The run that made what each stage wrote:")
    for one in found.producers:
        print(f"  {one.stage:10}  {notes.maker(one)}")
    return 0 if found.complete else _NO_PRODUCER


if __name__ == "__main__":
    sys.exit(main())
