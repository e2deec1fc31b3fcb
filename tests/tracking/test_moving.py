"""A project that was moved or copied keeps its artifacts, and writes to no other place."""

import fcntl
import shutil
from pathlib import Path

import pytest

from clintune.tracking.artifacts import folder_of
from clintune.tracking.home import Home
from clintune.tracking.store import Store, open_store
from clintune.tracking.trail.reading import gaps, trail_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own


@pytest.fixture
def first(tmp_path, monkeypatch) -> Home:
    """A store with a run and an artifact, in a folder whose name asks for care in an address."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    place = Home(tmp_path / "a 100% % x" / ".clintune")
    _write(_opened(place), "of the first")
    return place


def _opened(place: Home, uri: str | None = None, *, sender: bool = False) -> Store:
    """As in a process of its own, where no store was opened before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri or f"sqlite:///{place.database}")
        return open_store(place, sender=sender)


def _write(store: Store, text: str) -> str:
    run = store.client.create_run(store.experiment_id).info.run_id
    store.client.log_text(run, text, "said.txt")
    store.client.set_terminated(run)
    return str(run)


def _copied(first: Home, name: str) -> Home:
    shutil.copytree(first.root, first.root.parents[1] / name / ".clintune")
    return Home(first.root.parents[1] / name / ".clintune")


def _artifacts(store: Store) -> dict[str, Path]:
    """By what is written there."""
    runs = store.client.search_runs([store.experiment_id])
    files = [folder / "said.txt" for run in runs if (folder := folder_of(run.info.artifact_uri))]
    return {file.read_text(): file for file in files}


def _held(place: Home) -> set[Path]:
    return set(place.artifacts.rglob("*"))


def test_a_copy_reads_and_writes_its_own_artifacts(first):
    before, copy = _held(first), _copied(first, "患者 copy")
    _write(_opened(copy), "of the copy")
    found = _artifacts(_opened(copy))
    assert found.keys() == {"of the first", "of the copy"}
    assert all(file.is_relative_to(copy.artifacts) for file in found.values())
    assert _held(first) == before


def test_what_the_store_said_before_is_in_its_trail_and_that_is_whole(first):
    copy = _copied(first, "copy")
    assert trail_of(copy) == trail_of(first)
    _opened(copy)
    told = [one for one in trail_of(copy) if one.action == "UPDATE"]
    assert {one.place for one in told} == {"experiments", "runs"}
    assert all(first.artifacts.as_uri() in (one.before or "") for one in told)
    assert gaps(copy) == []
    _opened(copy)
    assert [one for one in trail_of(copy) if one.action == "UPDATE"] == told


def test_what_lies_elsewhere_alone_is_still_found_there(first):
    """Of a database without its artifacts."""
    copy = _copied(first, "copy")
    shutil.rmtree(copy.artifacts)
    [file] = _artifacts(_opened(copy)).values()
    assert file.is_relative_to(first.artifacts)


def test_a_store_that_is_not_the_projects_own_keeps_its_addresses(first):
    other = _copied(first, "other")
    [file] = _artifacts(_opened(other, f"sqlite:///{first.database}")).values()
    assert file.is_relative_to(first.artifacts)


def test_while_a_sender_writes_nobody_else_tells_it_another_place(first):
    copy = _copied(first, "copy")
    with copy.sender_lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        [file] = _artifacts(_opened(copy)).values()
        assert file.is_relative_to(first.artifacts)
        [file] = _artifacts(_opened(copy, sender=True)).values()
        assert file.is_relative_to(copy.artifacts)
