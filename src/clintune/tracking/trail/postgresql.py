"""The trail in a PostgreSQL store (11 and newer).

One function writes for all tables, as the owner of the trail: who changes a run needs no right to it. The
triggers are enabled ALWAYS, for `session_replication_role` would silence others; TRUNCATE, which asks no row,
has its own.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clintune.tracking.trail.parts import OF_RUNS, OTHERS, RUNS, TRAIL, Part

if TYPE_CHECKING:
    from sqlalchemy import Connection

_LOCK = int.from_bytes(b"clintune", "big")
_NOW = """to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
_COLUMNS = (
    ("number", "bigint", "GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    ("at", "text", f"NOT NULL DEFAULT {_NOW}"),
    ("action", "text", "NOT NULL"),
    ("place", "text", "NOT NULL"),
    ("before", "text", ""),
    ("after", "text", ""),
    ("by", "text", "NOT NULL DEFAULT session_user"),
)  # fmt: skip
_WRITES, _KEEPS = f"{TRAIL}_writes", f"{TRAIL}_refuses"
_SOURCES = {
    _WRITES: f"""
DECLARE
  was jsonb := CASE WHEN TG_OP IN ('UPDATE', 'DELETE') THEN to_jsonb(OLD) END;
  becomes jsonb := CASE WHEN TG_OP IN ('INSERT', 'UPDATE') THEN to_jsonb(NEW) END;
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    EXECUTE format('INSERT INTO {TRAIL} (action, place, before) SELECT %L, %L, to_jsonb(gone) FROM %I gone',
                   TG_OP, TG_TABLE_NAME, TG_TABLE_NAME);
  ELSIF was IS NOT DISTINCT FROM becomes
    OR TG_TABLE_NAME = '{RUNS}' AND TG_OP = 'UPDATE' AND was ->> 'status' = 'RUNNING'
    OR TG_TABLE_NAME IN {OF_RUNS} AND EXISTS (
      SELECT FROM {RUNS} WHERE run_uuid = coalesce(was, becomes) ->> 'run_uuid' AND status = 'RUNNING') THEN
    NULL;
  ELSE
    INSERT INTO {TRAIL} (action, place, before, after) VALUES (TG_OP, TG_TABLE_NAME, was, becomes);
  END IF;
  RETURN NULL;
END""",
    _KEEPS: """
BEGIN
  RAISE EXCEPTION 'the trail is kept as it is';
END""",
}
_THERE = f"""
SELECT proname, concat_ws(' ', lanname, prosecdef, array_to_string(proconfig, ' '), prosrc)
  FROM pg_proc JOIN pg_language ON pg_language.oid = prolang
  WHERE pronamespace = current_schema()::regnamespace AND starts_with(proname, '{TRAIL}')
UNION ALL
SELECT tgname, concat_ws(' ', tgenabled, pg_get_triggerdef(pg_trigger.oid, true))
  FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
  WHERE relnamespace = current_schema()::regnamespace AND starts_with(tgname, '{TRAIL}')
UNION ALL
SELECT relname, concat_ws(' ', relkind, relhasrules, relrowsecurity, (
    SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
    FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped))
  FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = '{TRAIL}'"""


class PostgreSQL:
    """A Dialect."""

    def alone(self, store: "Connection") -> None:
        """Several machines may open one store at the same moment."""
        store.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")

    def there(self, store: "Connection") -> dict[str, str]:
        """The source of a function; a trigger as PostgreSQL puts it, and whether it is enabled."""
        return dict(map(tuple, store.exec_driver_sql(_THERE)))

    def wanted(self, store: "Connection") -> Iterator[Part]:
        """The table, what writes to it, what keeps it, and a pair of triggers for each table of MLflow."""
        columns = ", ".join(" ".join(column) for column in _COLUMNS)
        definition = "r f f " + ", ".join(f"{name} {kind}" for name, kind, _ in _COLUMNS)
        yield Part(TRAIL, definition, (f"CREATE TABLE {TRAIL} ({columns})",))
        [[schema]] = store.exec_driver_sql("SELECT quote_ident(current_schema())")
        for name, source in _SOURCES.items():
            yield _function(name, source, schema)
        yield _trigger(f"{TRAIL}_keeps_rows", "BEFORE DELETE OR UPDATE", TRAIL, "ROW", _KEEPS)
        yield _trigger(f"{TRAIL}_keeps_all", "BEFORE TRUNCATE", TRAIL, "STATEMENT", _KEEPS)
        for table in (RUNS, *OF_RUNS, *OTHERS):
            if self.columns(store, table):
                actions = "INSERT OR DELETE OR UPDATE" if table in OF_RUNS else "DELETE OR UPDATE"
                yield _trigger(f"{TRAIL}_{table}", f"AFTER {actions}", table, "ROW", _WRITES)
                yield _trigger(f"{TRAIL}_{table}_truncate", "BEFORE TRUNCATE", table, "STATEMENT", _WRITES)

    def columns(self, store: "Connection", table: str) -> list[str]:
        """By their order in the table."""
        asked = (
            "SELECT column_name FROM information_schema.columns "
            f"WHERE table_schema = current_schema() AND table_name = '{table}' ORDER BY ordinal_position"
        )
        return [name for (name,) in store.exec_driver_sql(asked)]


def _function(name: str, source: str, schema: str) -> Part:
    """As its owner, and with the tables of this schema, whatever the search path of who sets it off."""
    path = f"{schema}, pg_temp"
    return Part(
        name,
        f"plpgsql t search_path={path} {source}",
        (
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql "
            f"SECURITY DEFINER SET search_path = {path} AS $body${source}$body$",
        ),
    )


def _trigger(name: str, moment: str, table: str, each: str, function: str) -> Part:
    made = f"CREATE TRIGGER {name} {moment} ON {table} FOR EACH {each} EXECUTE FUNCTION {function}()"
    always = f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"
    return Part(name, f"A {made}", (f"DROP TRIGGER IF EXISTS {name} ON {table}", made, always))
