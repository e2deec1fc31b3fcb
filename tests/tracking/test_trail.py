"""The trail: old values are kept whoever changes a run that is over, and by whatever way."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy.exc import DBAPIError

from clintune.tracking.home import Home
from clintune.tracking.store import Store, open_store
from clintune.tracking.trail.opening import name_of
from clintune.tracking.trail.reading import gaps, trail_of
from tests.tracking import postgresql

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own

needs_postgresql = pytest.mark.skipif(
    postgresql.programs() is None, reason="no PostgreSQL server is installed (initdb)"
)


@dataclass
class Kept:
    """A store with its trail."""

    place: Home
    store: Store

    def changes(self) -> list[tuple[str, str, dict | None, dict | None]]:
        """(action, table, before, after), but for the laying of the trail itself."""
        return [
            (one.action, one.place, json.loads(one.before or "null"), json.loads(one.after or "null"))
            for one in trail_of(self.place) if one.action != "LAY"
        ]  # fmt: skip

    def execute(self, *statements: str, user: str = "") -> None:
        """Past MLflow and clintune, in one session."""
        uri = self.place.uri.replace("owner@", f"{user or 'owner'}@")
        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def run(self) -> str:
        """One that has ended, with one of everything."""
        client = self.store.client
        run = client.create_run(self.store.experiment_id, run_name="train").info.run_id
        client.log_param(run, "epochs", "2")
        client.log_metric(run, "f1", 0.5, step=1)
        client.log_metric(run, "f1", 0.6, step=2)
        client.set_tag(run, "commit", "abc")
        client.set_terminated(run)
        return str(run)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    """A PostgreSQL server whose database `postgres` is an MLflow store with its trail."""
    with postgresql.served() as uri, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        client = open_store(Home(tmp_path_factory.mktemp("postgresql") / ".clintune")).client
        client._tracking_client.store.engine.dispose()  # a database in use cannot be copied
        yield uri


@pytest.fixture
def in_postgresql(server, tmp_path, monkeypatch) -> Iterator[Kept]:
    """A copy of the store, with a name of its own."""
    maker = sqlalchemy.create_engine(
        server.replace("/postgres?", "/template1?"), isolation_level="AUTOCOMMIT"
    )
    with maker.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS copied WITH (FORCE)")
        connection.exec_driver_sql("CREATE DATABASE copied TEMPLATE postgres")
    maker.dispose()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.replace("/postgres?", "/copied?"))
    place = Home(tmp_path / ".clintune")
    return Kept(place, open_store(place))


@pytest.fixture
def in_sqlite(tmp_path, monkeypatch) -> Kept:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    place = Home(tmp_path / ".clintune")
    return Kept(place, open_store(place))


@pytest.fixture(params=["in_sqlite", pytest.param("in_postgresql", marks=needs_postgresql)])
def kept(request) -> Kept:
    return request.getfixturevalue(request.param)


def test_what_a_run_says_while_it_lives_is_no_change(kept):
    kept.run()
    assert kept.changes() == []


def test_what_is_changed_by_mlflow_afterwards_is_kept_with_its_old_value(kept):
    run, client = kept.run(), kept.store.client
    client.set_tag(run, "commit", "def")
    client.delete_tag(run, "commit")
    client.log_metric(run, "f1", 0.99, step=3)
    client.log_param(run, "dropout", "0.1")
    found = kept.changes()
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


def test_what_is_changed_in_sql_is_kept_too(kept):
    kept.run()
    kept.execute("UPDATE metrics SET value = 0.99 WHERE step = 2")
    [(action, table, before, after)] = kept.changes()
    assert (action, table, before["value"], after["value"]) == ("UPDATE", "metrics", 0.6, 0.99)


def test_an_update_that_changes_nothing_is_no_change(kept):
    kept.run()
    kept.execute("UPDATE metrics SET value = value")
    assert kept.changes() == []


def test_what_mlflow_gc_takes_away_for_good_is_kept(kept):
    run = kept.run()
    kept.store.client.delete_run(run)
    program = str(Path(sys.executable).with_name("mlflow"))
    subprocess.run(
        [program, "gc", "--backend-store-uri", kept.place.uri, "--run-ids", run],
        check=True,
        capture_output=True,
    )
    gone = [(table, before) for action, table, before, _ in kept.changes() if action == "DELETE"]
    assert {table for table, _ in gone} >= {"runs", "metrics", "latest_metrics", "params", "tags"}
    assert sorted(row["value"] for table, row in gone if table == "metrics") == [0.5, 0.6]


@pytest.mark.parametrize("statement", ["UPDATE clintune_trail SET before = ''", "DELETE FROM clintune_trail"])
def test_the_trail_itself_can_be_neither_changed_nor_deleted(kept, statement):
    kept.store.client.set_tag(kept.run(), "commit", "def")
    with pytest.raises(DBAPIError, match="the trail is kept"):
        kept.execute(statement)


def test_a_trigger_that_was_dropped_is_a_gap_also_after_the_next_start_has_laid_it_anew(kept):
    assert gaps(kept.place) == []
    name, table = {
        "mlflow.db": ("clintune_trail_metrics_update", ""), "copied": ("clintune_trail_metrics", "ON metrics")
    }[name_of(kept.place)]  # fmt: skip
    kept.execute(f"DROP TRIGGER {name} {table}")
    assert gaps(kept.place) == [(name, "missing")]
    open_store(kept.place)
    [(found, when)] = gaps(kept.place)
    assert found == name
    assert when.startswith("missing until 2")


def test_a_trigger_that_does_nothing_is_a_gap(in_sqlite):
    in_sqlite.execute(
        "DROP TRIGGER clintune_trail_params_update",
        "CREATE TRIGGER clintune_trail_params_update AFTER UPDATE ON params BEGIN SELECT 1; END",
    )
    assert gaps(in_sqlite.place) == [("clintune_trail_params_update", "missing")]


@needs_postgresql
@pytest.mark.parametrize(
    ("statement", "part"),
    [
        ("ALTER TABLE params DISABLE TRIGGER clintune_trail_params", "clintune_trail_params"),
        ("ALTER TABLE params ENABLE TRIGGER clintune_trail_params", "clintune_trail_params"),
        (
            "CREATE OR REPLACE TRIGGER clintune_trail_params AFTER UPDATE ON params "
            "FOR EACH ROW EXECUTE FUNCTION clintune_trail_writes()",
            "clintune_trail_params",
        ),
        (
            "CREATE OR REPLACE FUNCTION clintune_trail_writes() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN RETURN NULL; END'",
            "clintune_trail_writes",
        ),
        ("ALTER FUNCTION clintune_trail_writes() SET search_path = elsewhere", "clintune_trail_writes"),
        ("ALTER FUNCTION clintune_trail_writes() SECURITY INVOKER", "clintune_trail_writes"),
        ("CREATE RULE nothing AS ON INSERT TO clintune_trail DO INSTEAD NOTHING", "clintune_trail"),
        ("DROP TRIGGER clintune_trail_keeps_all ON clintune_trail", "clintune_trail_keeps_all"),
    ],
)
def test_what_would_silence_the_trail_of_postgresql_is_a_gap(in_postgresql, statement, part):
    in_postgresql.execute(statement)
    assert gaps(in_postgresql.place) == [(part, "missing")]


@needs_postgresql
def test_a_table_of_postgresql_that_is_emptied_at_once_is_kept_row_by_row(in_postgresql):
    in_postgresql.run()
    in_postgresql.execute("TRUNCATE metrics")
    found = in_postgresql.changes()
    assert [(action, table) for action, table, _, _ in found] == [("TRUNCATE", "metrics")] * 2
    assert sorted(before["value"] for _, _, before, _ in found if before) == [0.5, 0.6]
    with pytest.raises(DBAPIError, match="the trail is kept"):
        in_postgresql.execute("TRUNCATE clintune_trail")


@needs_postgresql
def test_a_replica_s_session_changes_nothing_of_postgresql_unseen(in_postgresql):
    """The setting that silences ordinary triggers."""
    in_postgresql.run()
    in_postgresql.execute("SET session_replication_role = replica", "UPDATE params SET value = '3'")
    assert [(action, table) for action, table, _, _ in in_postgresql.changes()] == [("UPDATE", "params")]


@needs_postgresql
def test_who_changed_it_in_postgresql_is_kept_and_needs_no_right_to_the_trail(in_postgresql):
    in_postgresql.run()
    in_postgresql.execute(
        "DROP ROLE IF EXISTS clerk", "CREATE ROLE clerk LOGIN", "GRANT SELECT, UPDATE ON params TO clerk"
    )
    in_postgresql.execute("UPDATE params SET value = '3'", user="clerk")
    assert [one.by for one in trail_of(in_postgresql.place) if one.action != "LAY"] == ["clerk"]
    in_postgresql.execute("DROP OWNED BY clerk")


@needs_postgresql
def test_who_may_not_lay_the_trail_in_postgresql_still_has_a_store_and_its_gaps_are_seen(
    in_postgresql, monkeypatch
):
    in_postgresql.execute(
        "DROP TRIGGER clintune_trail_metrics ON metrics",
        "DROP ROLE IF EXISTS writer",
        "CREATE ROLE writer LOGIN",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO writer",
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", in_postgresql.place.uri.replace("owner@", "writer@"))
    open_store(in_postgresql.place)
    assert gaps(in_postgresql.place) == [("clintune_trail_metrics", "missing")]


RECORDS = ("dataset", "experiment", "input", "latest", "logged_model", "metric", "model_version", "param",
           "registered_model", "run", "tag")  # fmt: skip


def test_every_table_that_holds_something_of_a_run_or_a_model_is_watched(in_sqlite):
    """One that a new MLflow brings has to be thought of."""
    with closing(sqlite3.connect(in_sqlite.place.database)) as connection:
        rows: list[Any] = list(connection.execute("SELECT type, tbl_name FROM sqlite_master"))
    tables = {table for kind, table in rows if kind == "table" and table.startswith(RECORDS)}
    assert tables - {table for kind, table in rows if kind == "trigger"} == set()
