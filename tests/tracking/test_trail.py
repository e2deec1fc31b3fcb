"""The trail: old values are kept whoever changes a run that is over, and by whatever way."""

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy.exc import DBAPIError

from clintune.errors import TrackingError
from clintune.tracking.home import Home
from clintune.tracking.store import Store, answering, open_store
from clintune.tracking.trail.opening import name_of
from clintune.tracking.trail.reading import gaps, odd_metrics, trail_of
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


def test_points_of_a_metric_without_a_last_value_are_found(kept):
    run = kept.run()
    assert odd_metrics(kept.place) == []
    columns = "(key, value, timestamp, run_uuid, step, is_nan)"
    kept.execute(f"INSERT INTO metrics {columns} VALUES ('auc', 1, 1, '{run}', 0, false)")
    assert odd_metrics(kept.place) == [(run, "auc")]


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


@pytest.mark.parametrize("schema", ["a-new-one", "451aebb31d03"], ids=["none of MLflow's", "an older one"])
def test_a_gap_that_is_passed_off_as_a_migration_is_a_gap(kept, schema):
    assert gaps(kept.place) == []
    stamp = {"mlflow.db": "at", "copied": "at, by"}[name_of(kept.place)]
    kept.execute(
        f"INSERT INTO clintune_trail ({stamp}, action, place, after) SELECT {stamp}, 'LAY', 'x', '{schema}' "
        "FROM clintune_trail WHERE number = 1"
    )
    [(part, when)] = gaps(kept.place)
    assert part == "clintune_trail"
    assert schema in when
    assert when.endswith(": no migration did that")


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
        ("GRANT EXECUTE ON FUNCTION clintune_trail_writes() TO PUBLIC", "clintune_trail_writes"),
        ("ALTER FUNCTION clintune_trail_writes() SET extra_float_digits = -15", "clintune_trail_writes"),
        ("ALTER TABLE clintune_trail ALTER after SET DEFAULT 'nothing'", "clintune_trail"),
        ("ALTER TABLE clintune_trail SET UNLOGGED", "clintune_trail"),
        ("CREATE TABLE more () INHERITS (metrics)", "clintune_trail_metrics"),
    ],
)
def test_what_would_silence_the_trail_of_postgresql_is_a_gap(in_postgresql, statement, part):
    in_postgresql.execute(statement)
    assert (part, "missing") in gaps(in_postgresql.place)


def test_a_trigger_that_somebody_else_gives_the_trail_is_a_gap(kept):
    trigger = "CREATE TRIGGER hush BEFORE INSERT ON clintune_trail"
    if kept.place.is_local:
        kept.execute(f"{trigger} BEGIN SELECT RAISE(IGNORE); END")
    else:
        kept.execute(
            "CREATE FUNCTION hush() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            f"{trigger} FOR EACH ROW EXECUTE FUNCTION hush()",
        )
    assert gaps(kept.place) == [("hush", "no part of it")]


def test_a_trail_without_its_beginning_has_a_gap(kept):
    name = (
        "clintune_trail_keeps_delete"
        if kept.place.is_local
        else "clintune_trail_keeps_rows ON clintune_trail"
    )
    kept.execute(f"DROP TRIGGER {name}", "DELETE FROM clintune_trail")
    open_store(kept.place)
    assert ("clintune_trail", "without its first row") in gaps(kept.place)


def test_a_number_that_is_moved_from_a_run_that_lives_to_one_that_is_over_is_kept(kept):
    over, client = kept.run(), kept.store.client
    lives = client.create_run(kept.store.experiment_id).info.run_id
    client.log_metric(lives, "f1", 0.99, step=3)
    assert kept.changes() == []
    kept.execute(f"UPDATE metrics SET run_uuid = '{over}' WHERE run_uuid = '{lives}'")
    [(action, table, before, after)] = kept.changes()
    assert (action, table, before["run_uuid"], after["run_uuid"]) == ("UPDATE", "metrics", lives, over)


@needs_postgresql
def test_a_session_that_rounds_its_numbers_hides_no_change_in_postgresql(in_postgresql):
    in_postgresql.run()
    in_postgresql.execute("SET extra_float_digits = -15", "UPDATE metrics SET value = 0.649 WHERE step = 2")
    [(_, _, before, after)] = in_postgresql.changes()
    assert (before["value"], after["value"]) == (0.6, 0.649)


@needs_postgresql
def test_a_function_of_somebody_else_is_not_run_as_the_owner_of_the_trail(in_postgresql):
    """In a schema where everybody may make some, as `public` was until PostgreSQL 15."""
    in_postgresql.run()
    in_postgresql.execute(
        "DROP ROLE IF EXISTS mallory", "CREATE ROLE mallory LOGIN",
        "GRANT CREATE ON SCHEMA public TO mallory", "GRANT SELECT, UPDATE ON metrics TO mallory",
    )  # fmt: skip
    in_postgresql.execute(
        "CREATE FUNCTION to_jsonb(metrics) RETURNS jsonb LANGUAGE plpgsql AS "
        "$$ BEGIN EXECUTE 'ALTER ROLE mallory SUPERUSER'; RETURN '{}'; END $$",
        "UPDATE metrics SET value = 0.99",
        user="mallory",
    )
    assert len(in_postgresql.changes()) == 2
    engine = sqlalchemy.create_engine(in_postgresql.place.uri, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        asked = "SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'"
        assert connection.exec_driver_sql(asked).all() == [(False,)]
    in_postgresql.execute("DROP OWNED BY mallory CASCADE")


@needs_postgresql
def test_nobody_else_lets_the_trail_of_postgresql_say_what_never_was(in_postgresql):
    in_postgresql.execute("DROP ROLE IF EXISTS forger", "CREATE ROLE forger LOGIN")
    with pytest.raises(DBAPIError, match="permission denied for function"):
        in_postgresql.execute(
            "CREATE TEMP TABLE metrics (value float)",
            "CREATE TRIGGER forge AFTER UPDATE ON metrics FOR EACH ROW "
            "EXECUTE FUNCTION public.clintune_trail_writes()",
            user="forger",
        )


@needs_postgresql
def test_a_schema_of_postgresql_whose_name_needs_quotes_has_a_trail(in_postgresql, monkeypatch):
    in_postgresql.execute('DROP SCHEMA IF EXISTS "My Schema" CASCADE', 'CREATE SCHEMA "My Schema"')
    there = f"{in_postgresql.place.uri}&options=-csearch_path%3D%22My%5C+Schema%22"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", there)
    inside = Kept(in_postgresql.place, open_store(in_postgresql.place))
    inside.run()
    inside.execute("UPDATE params SET value = '3'")
    assert [(action, table) for action, table, _, _ in inside.changes()] == [("UPDATE", "params")]
    assert gaps(inside.place) == []


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


@needs_postgresql
def test_who_may_not_read_the_trail_of_postgresql_is_told_so(in_postgresql, monkeypatch):
    in_postgresql.execute(
        "DROP ROLE IF EXISTS reader",
        "CREATE ROLE reader LOGIN",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
        "REVOKE SELECT ON clintune_trail FROM reader",
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", in_postgresql.place.uri.replace("owner@", "reader@"))
    with (
        pytest.raises(TrackingError, match="permission denied for table clintune_trail; ask the owner"),
        answering(in_postgresql.place.uri),
    ):
        gaps(in_postgresql.place)


def test_a_database_that_is_down_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setenv(
        "MLFLOW_TRACKING_URI", f"postgresql://me:se/cret@/runs?host={tmp_path}&password=secret"
    )
    began = time.monotonic()
    with pytest.raises(TrackingError, match="the tracking store does not answer") as caught:
        open_store(Home(tmp_path / ".clintune"), within=1)
    assert time.monotonic() - began < 10
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["postgresql://me:secret@127.0.0.1:xx/db", "databricks", "elsewhere/mlruns"]
)
def test_what_is_no_address_of_a_store_is_one_line(tmp_path, monkeypatch, address):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(TrackingError, match="its address is none of sqlite:///FILE") as caught:
        open_store(Home(tmp_path / ".clintune"))
    assert "secret" not in str(caught.value)


RECORDS = ("dataset", "experiment", "input", "latest", "logged_model", "metric", "model_version", "param",
           "registered_model", "run", "tag")  # fmt: skip


def test_every_table_that_holds_something_of_a_run_or_a_model_is_watched(in_sqlite):
    """One that a new MLflow brings has to be thought of."""
    with closing(sqlite3.connect(in_sqlite.place.database)) as connection:
        rows: list[Any] = list(connection.execute("SELECT type, tbl_name FROM sqlite_master"))
    tables = {table for kind, table in rows if kind == "table" and table.startswith(RECORDS)}
    assert tables - {table for kind, table in rows if kind == "trigger"} == set()
