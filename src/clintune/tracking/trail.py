"""The trail: what the SQLite store held before, kept by triggers whoever changes it and by whatever way.

MLflow lets anybody change a run that is over, and keeps no old value. The triggers write down what was
changed, deleted or added once a run is over, `mlflow gc` included; rows of the trail itself can be neither
changed nor deleted. Whoever owns the file may still drop the triggers: that they are there is verified.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

TRAIL = "clintune_trail"

_LAID = "LAY"
_OF_RUNS = ("metrics", "latest_metrics", "params", "tags")
_OTHERS = (
    "datasets", "experiment_tags", "experiments", "input_tags", "inputs", "logged_model_metrics",
    "logged_model_params", "logged_model_tags", "logged_models", "model_version_tags", "model_versions",
    "registered_model_aliases", "registered_model_tags", "registered_models",
)  # fmt: skip
_TABLE = f"""CREATE TABLE {TRAIL} (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')),
  action TEXT NOT NULL, place TEXT NOT NULL, before TEXT, after TEXT)"""


@dataclass(frozen=True, slots=True)
class Change:
    """A row that was updated, deleted or inserted: as JSON, before and after."""

    number: int
    at: str
    action: str
    place: str
    before: str | None
    after: str | None


def lay(database: Path) -> None:
    """Make the trail, and each trigger that is missing or another, and write that down too.

    The schema is there already.
    """
    with closing(sqlite3.connect(database, timeout=60)) as store, store:
        there = _named(store)
        laid = [pair for pair in _statements(store) if there.get(pair[0]) != pair[1]]
        for name, statement in laid:
            if name in there:
                store.execute(f"DROP TRIGGER {name}")
            store.execute(statement)
        if laid:
            [[schema]] = store.execute("SELECT version_num FROM alembic_version")
            names = " ".join(name for name, _ in laid)
            store.execute(
                f"INSERT INTO {TRAIL} (action, place, after) VALUES ('{_LAID}', ?, ?)", (names, schema)
            )


def gaps(database: Path) -> list[tuple[str, str]]:
    """(part, since or until when) for what is missing of the trail, or was until it was laid anew.

    A migration of MLflow's schema makes tables anew, without triggers: what is laid after it is no gap.
    """
    with closing(_readable(database)) as store:
        there = _named(store)
        gone = [(name, "missing") for name, statement in _statements(store) if there.get(name) != statement]
        if TRAIL not in there:
            return gone
        rows = store.execute(f"SELECT at, place, after FROM {TRAIL} WHERE action = '{_LAID}' ORDER BY number")
        laid = list(rows)
    again = [
        (name, f"missing until {at}")
        for (_, _, before), (at, names, schema) in pairwise(laid) if schema == before
        for name in names.split()
    ]  # fmt: skip
    return gone + again


def changes(database: Path) -> list[Change]:
    """The trail, oldest first; none where there is no trail."""
    with closing(_readable(database)) as store:
        if TRAIL not in _named(store):
            return []
        return [Change(*row) for row in store.execute(f"SELECT * FROM {TRAIL} ORDER BY number")]


def _readable(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=60)


def _named(store: sqlite3.Connection) -> dict[str, str]:
    rows = store.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'trigger')")
    return {name: statement for name, statement in rows if name.startswith(TRAIL)}


def _statements(store: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """What the schema of this MLflow needs, by name."""
    yield TRAIL, _TABLE
    for action in ("UPDATE", "DELETE"):
        name = f"{TRAIL}_keeps_{action.lower()}"
        yield (
            name,
            (
                f"CREATE TRIGGER {name} BEFORE {action} ON {TRAIL} BEGIN "
                f"SELECT RAISE(ABORT, 'the trail is kept as it is'); END"
            ),
        )
    for table in ("runs", *_OF_RUNS, *_OTHERS):
        columns = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
        if columns:  # a table that this version of MLflow has
            yield from _triggers(table, columns)


def _triggers(table: str, columns: list[str]) -> Iterator[tuple[str, str]]:
    old, new = (
        "json_object(" + ", ".join(f"'{column}', {side}.{column}" for column in columns) + ")"
        for side in ("OLD", "NEW")
    )
    moments = [("UPDATE", old, new), ("DELETE", old, "NULL")]
    if table in _OF_RUNS:  # what is added to a run that is over
        moments.append(("INSERT", "NULL", new))
    for action, before, after in moments:
        side = "NEW" if action == "INSERT" else "OLD"
        when = [f"{old} IS NOT {new}"] if action == "UPDATE" else []
        if table in _OF_RUNS:
            when.append(f"(SELECT status FROM runs WHERE run_uuid = {side}.run_uuid) IS NOT 'RUNNING'")
        elif table == "runs" and action == "UPDATE":
            when.append("OLD.status IS NOT 'RUNNING'")
        condition = f"WHEN {' AND '.join(when)} " if when else ""
        name = f"{TRAIL}_{table}_{action.lower()}"
        yield (
            name,
            (
                f"CREATE TRIGGER {name} AFTER {action} ON {table} {condition}BEGIN "
                f"INSERT INTO {TRAIL} (action, place, before, after) "
                f"VALUES ('{action}', '{table}', {before}, {after}); END"
            ),
        )
