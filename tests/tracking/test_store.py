"""A store that cannot be used says so in one line."""

import fcntl
import sqlite3
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing

import pytest

from clintune.errors import TrackingError
from clintune.tracking.home import Home
from clintune.tracking.store import answering, open_store
from clintune.tracking.stored import stored_runs

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own


@pytest.fixture
def place(tmp_path, monkeypatch) -> Home:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Home(tmp_path / ".clintune")


def test_bytes_that_are_no_text_are_one_line_without_the_value(place, capfd):
    store = open_store(place)
    run = store.client.create_run(store.experiment_id).info.run_id
    store.client.log_param(run, "epochs", "2")
    with closing(sqlite3.connect(place.database)) as database:
        database.execute("UPDATE params SET value = CAST(x'ff736563726574' AS TEXT)")
        database.commit()
    capfd.readouterr()
    with (
        pytest.raises(TrackingError, match=r"cannot be used \(.*decode to UTF-8") as caught,
        answering(store.uri),
    ):
        stored_runs(store)
    assert "secret" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_file_that_is_no_database_is_one_line(place):
    place.database.parent.mkdir(parents=True)
    place.database.write_bytes(b"nothing of a database" * 100)
    with pytest.raises(TrackingError, match=r"\(file is not a database\); end what") as caught:
        open_store(place)
    assert len(str(caught.value).splitlines()) == 1


def test_who_opens_a_new_store_waits_until_another_has_made_it(place):
    """Two that make the schema at once leave a database that MLflow refuses for good."""
    place.root.mkdir()
    with ThreadPoolExecutor(1) as threads:
        with place.schema_lock.open("a") as another:
            fcntl.flock(another, fcntl.LOCK_EX)
            opening = threads.submit(open_store, place)
            assert wait([opening], timeout=1).not_done
            assert not place.database.parent.exists()
        assert opening.result().uri == place.uri
    assert place.database.exists()
