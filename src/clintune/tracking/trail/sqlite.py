"""The trail in the embedded SQLite store. SQLite keeps the text of each statement: that is the definition."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from clintune.tracking.trail.parts import OF_RUNS, OTHERS, RUNS, TRAIL, Part

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ')"
_TABLE = f"""CREATE TABLE {TRAIL} (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL DEFAULT ({_NOW}),
  action TEXT NOT NULL, place TEXT NOT NULL, before TEXT, after TEXT)"""

_ENDED = "(SELECT status FROM runs WHERE run_uuid = {}.run_uuid) IS NOT 'RUNNING'"
"""Of the run that a row belongs to, on one side of a change: OLD or NEW."""


class SQLite:
    """A Dialect."""

    def stamp(self) -> Mapping[str, str]:
        """SQLite knows no users."""
        return {"at": _NOW}

    def alone(self, store: "Connection") -> None:
        """Who opens the store holds a lock of their own: its schema cannot be made by two at once."""

    def there(self, store: "Connection") -> dict[str, str]:
        """The text of each statement that made one, or a trigger that somebody else gave the trail or a table
        that it watches: `RAISE(IGNORE)` in one lets a change be, and ends the triggers that come after it.

        SQLite keeps names as they were written, takes small and capital letters for the same, and reads bytes
        as text, up to a NUL. So it does with the word that says what each is.
        """
        words = "printf('%s', type), printf('%s', name), printf('%s', tbl_name)"
        asked = f"SELECT {words}, sql FROM sqlite_master WHERE type NOT IN ('index', 'view')"
        watched, rows = {RUNS, *OF_RUNS, *OTHERS}, store.exec_driver_sql(asked)
        return {
            name: made for kind, name, table, made in rows
            if name.lower().startswith(TRAIL) or table.lower() == TRAIL
            or (kind.lower() != "table" and table.lower() in watched)
        }  # fmt: skip

    def wanted(self, store: "Connection") -> Iterator[Part]:
        """Triggers for each column that there is: a migration that adds one asks for others."""
        yield Part(TRAIL, _TABLE, (_TABLE,))
        known = f"WHEN EXISTS (SELECT 1 FROM {TRAIL} WHERE number = NEW.number) "
        for what, action, when in (
            ("update", "UPDATE", ""),
            ("delete", "DELETE", ""),
            ("replace", "INSERT", known),
        ):
            name = f"{TRAIL}_keeps_{what}"
            yield _trigger(
                name,
                f"CREATE TRIGGER {name} BEFORE {action} ON {TRAIL} {when}BEGIN "
                f"SELECT RAISE(ABORT, 'the trail is kept as it is'); END",
            )
        for table in (RUNS, *OF_RUNS, *OTHERS):
            if columns := self.columns(store, table):
                yield from _triggers(table, columns)
                yield _replacing(table, columns, self._keys(store, table))

    def columns(self, store: "Connection", table: str) -> list[str]:
        """By their order in the table."""
        return [row[1] for row in store.exec_driver_sql(f"PRAGMA table_info({table})")]

    def _keys(self, store: "Connection", table: str) -> list[str]:
        return [row[1] for row in store.exec_driver_sql(f"PRAGMA table_info({table})") if row[5]]


def _trigger(name: str, statement: str) -> Part:
    return Part(name, statement, (f"DROP TRIGGER IF EXISTS {name}", statement))


def _replacing(table: str, columns: list[str], keys: list[str]) -> Part:
    """REPLACE takes a row away without the trigger of its deletion: this one sees the row before it goes."""
    same = " AND ".join(f"{key} IS NEW.{key}" for key in keys)
    over = ""
    if table in OF_RUNS:
        over = f" AND {_ENDED.format('NEW')}"
    elif table == RUNS:
        over = " AND status IS NOT 'RUNNING'"
    name = f"{TRAIL}_{table}_replace"
    return _trigger(
        name,
        f"CREATE TRIGGER {name} BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}{over}) BEGIN "
        f"INSERT INTO {TRAIL} (action, place, before, after) "
        f"SELECT 'REPLACE', '{table}', {_row('', columns)}, {_row('NEW.', columns)} "
        f"FROM {table} WHERE {same}; END",
    )


def _row(side: str, columns: list[str]) -> str:
    return "json_object(" + ", ".join(f"'{column}', {side}{column}" for column in columns) + ")"


def _triggers(table: str, columns: list[str]) -> Iterator[Part]:
    old, new = (_row(f"{side}.", columns) for side in ("OLD", "NEW"))
    moments = [("UPDATE", old, new), ("DELETE", old, "NULL")]
    if table in OF_RUNS:
        moments.append(("INSERT", "NULL", new))
    for action, before, after in moments:
        sides = {"INSERT": ["NEW"], "DELETE": ["OLD"], "UPDATE": ["OLD", "NEW"]}[action]
        when = [f"{old} IS NOT {new}"] if action == "UPDATE" else []
        if table in OF_RUNS:
            when.append(f"({' OR '.join(map(_ENDED.format, sides))})")
        elif table == RUNS and action == "UPDATE":
            when.append("OLD.status IS NOT 'RUNNING'")
        condition = f"WHEN {' AND '.join(when)} " if when else ""
        name = f"{TRAIL}_{table}_{action.lower()}"
        yield _trigger(
            name,
            f"CREATE TRIGGER {name} AFTER {action} ON {table} {condition}BEGIN "
            f"INSERT INTO {TRAIL} (action, place, before, after) "
            f"VALUES ('{action}', '{table}', {before}, {after}); END",
        )
