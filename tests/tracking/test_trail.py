"""The trail: old values are kept whoever changes a run that is over, and by whatever way."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from clintune.tracking import trail
from clintune.tracking.home import Home
from clintune.tracking.store import Store, open_store

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own


@pytest.fixture
def store(tmp_path, monkeypatch) -> Store:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return open_store(Home(tmp_path / ".clintune"))


@pytest.fixture
def database(store, tmp_path) -> Path:
    return tmp_path / ".clintune/mlflow/mlflow.db"


@pytest.fixture
def over(store) -> str:
    """A run that has ended, with one of everything."""
    run = store.client.create_run(store.experiment_id, run_name="train").info.run_id
    store.client.log_param(run, "epochs", "2")
    store.client.log_metric(run, "f1", 0.5, step=1)
    store.client.log_metric(run, "f1", 0.6, step=2)
    store.client.set_tag(run, "commit", "abc")
    store.client.set_terminated(run)
    return run


def kept(database: Path) -> list[tuple[str, str, dict | None, dict | None]]:
    """(action, table, before, after), but for the laying of the trail itself."""
    return [
        (one.action, one.place, json.loads(one.before or "null"), json.loads(one.after or "null"))
        for one in trail.changes(database) if one.action != "LAY"
    ]  # fmt: skip


def execute(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)


def test_what_a_run_says_while_it_lives_is_no_change(over, database):
    assert kept(database) == []


def test_what_is_changed_by_mlflow_afterwards_is_kept_with_its_old_value(store, over, database):
    store.client.set_tag(over, "commit", "def")
    store.client.delete_tag(over, "commit")
    store.client.log_metric(over, "f1", 0.99, step=3)
    store.client.log_param(over, "dropout", "0.1")
    found = kept(database)
    assert ("UPDATE", "tags", "abc", "def") in [
        (action, table, before and before["value"], after and after["value"])
        for action, table, before, after in found
    ]
    actions = [(action, table) for action, table, _, _ in found]
    assert {
        ("DELETE", "tags"),
        ("INSERT", "metrics"),
        ("UPDATE", "latest_metrics"),
        ("INSERT", "params"),
    } <= set(actions)


def test_what_is_changed_in_sql_is_kept_too(over, database):
    execute(database, "UPDATE metrics SET value = 0.99 WHERE step = 2")
    [(action, table, before, after)] = kept(database)
    assert (action, table, before["value"], after["value"]) == ("UPDATE", "metrics", 0.6, 0.99)


def test_what_mlflow_gc_takes_away_for_good_is_kept(store, over, database):
    store.client.delete_run(over)
    uri = f"sqlite:///{database}"
    program = str(Path(sys.executable).with_name("mlflow"))
    subprocess.run(
        [program, "gc", "--backend-store-uri", uri, "--run-ids", over], check=True, capture_output=True
    )
    gone = [(table, before) for action, table, before, _ in kept(database) if action == "DELETE"]
    assert {table for table, _ in gone} >= {"runs", "metrics", "latest_metrics", "params", "tags"}
    assert sorted(row["value"] for table, row in gone if table == "metrics") == [0.5, 0.6]


@pytest.mark.parametrize("statement", ["UPDATE clintune_trail SET before = ''", "DELETE FROM clintune_trail"])
def test_the_trail_itself_can_be_neither_changed_nor_deleted(store, over, database, statement):
    store.client.set_tag(over, "commit", "def")
    with pytest.raises(sqlite3.IntegrityError, match="the trail is kept"):
        execute(database, statement)


def test_a_trigger_that_was_dropped_is_a_gap_also_after_the_next_start_has_laid_it_anew(
    over, database, tmp_path
):
    assert trail.gaps(database) == []
    execute(database, "DROP TRIGGER clintune_trail_metrics_update")
    assert trail.gaps(database) == [("clintune_trail_metrics_update", "missing")]
    open_store(Home(tmp_path / ".clintune"))
    [(name, when)] = trail.gaps(database)
    assert name == "clintune_trail_metrics_update"
    assert when.startswith("missing until 2")


def test_a_trigger_that_does_nothing_is_a_gap(over, database):
    execute(database, "DROP TRIGGER clintune_trail_params_update")
    execute(
        database, "CREATE TRIGGER clintune_trail_params_update AFTER UPDATE ON params BEGIN SELECT 1; END"
    )
    assert trail.gaps(database) == [("clintune_trail_params_update", "missing")]


RECORDS = ("dataset", "experiment", "input", "latest", "logged_model", "metric", "model_version", "param",
           "registered_model", "run", "tag")  # fmt: skip


def test_every_table_that_holds_something_of_a_run_or_a_model_is_watched(database):
    """One that a new MLflow brings has to be thought of."""
    with closing(sqlite3.connect(database)) as connection:
        rows = list(connection.execute("SELECT type, tbl_name FROM sqlite_master"))
    tables = {table for kind, table in rows if kind == "table" and table.startswith(RECORDS)}
    assert tables - {table for kind, table in rows if kind == "trigger"} == set()
