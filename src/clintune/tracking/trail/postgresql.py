"""The trail in a PostgreSQL store (11 and newer).

One function writes for all tables, as the owner of the trail: who changes a run needs no right to it. It
names every table by its schema and finds every function in pg_catalog, for anybody may make others of the
same name; nobody else may attach it; and it writes all digits of a number, whatever a session asks for. The
triggers are enabled ALWAYS, for `session_replication_role` would silence others; TRUNCATE, which asks no row,
has one of its own.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from clintune.tracking.trail.parts import OF_RUNS, OTHERS, RUNS, TRAIL, Part

if TYPE_CHECKING:
    from sqlalchemy import Connection

_LOCK = int.from_bytes(b"clintune", "big")
_COLUMNS = {
    "number": "bigint", "at": "text", "action": "text", "place": "text", "before": "text", "after": "text",
    "by": "text",
}  # fmt: skip
_NUMBERED = "GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
_NOW = """to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
_WRITES, _REFUSES = f"{TRAIL}_writes", f"{TRAIL}_refuses"
_SETTINGS = {"search_path": "pg_catalog, pg_temp", "extra_float_digits": "3"}
_WRITING = f"""
DECLARE
  was jsonb := CASE WHEN TG_OP IN ('UPDATE', 'DELETE') THEN to_jsonb(OLD) END;
  becomes jsonb := CASE WHEN TG_OP IN ('INSERT', 'UPDATE') THEN to_jsonb(NEW) END;
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    EXECUTE format('INSERT INTO OURS.{TRAIL} (at, by, action, place, before) '
                   'SELECT $1, session_user, %L, %L, to_jsonb(gone) FROM %I.%I gone',
                   TG_OP, TG_TABLE_NAME, TG_TABLE_SCHEMA, TG_TABLE_NAME) USING {_NOW};
  ELSIF was IS NOT DISTINCT FROM becomes
    OR TG_TABLE_NAME = '{RUNS}' AND TG_OP = 'UPDATE' AND was ->> 'status' = 'RUNNING'
    OR TG_TABLE_NAME IN {OF_RUNS} AND NOT EXISTS (
      SELECT FROM unnest(ARRAY[was, becomes]) side WHERE side IS NOT NULL AND NOT EXISTS (
        SELECT FROM OURS.{RUNS} WHERE run_uuid = side ->> 'run_uuid' AND status = 'RUNNING')) THEN
    NULL;
  ELSE
    INSERT INTO OURS.{TRAIL} (at, by, action, place, before, after)
    VALUES ({_NOW}, session_user, TG_OP, TG_TABLE_NAME, was, becomes);
  END IF;
  RETURN NULL;
END"""
_REFUSING = """
BEGIN
  RAISE EXCEPTION 'the trail is kept as it is';
END"""
_HERE = "quote_ident(current_schema())::regnamespace"
_THERE = f"""
SELECT proname, concat_ws(' ', lanname, prosecdef, has_function_privilege('public', pg_proc.oid, 'EXECUTE'),
    array_to_string(proconfig, ' '), prosrc)
  FROM pg_proc JOIN pg_language ON pg_language.oid = prolang
  WHERE pronamespace = {_HERE} AND starts_with(proname, '{TRAIL}')
UNION ALL
SELECT tgname, concat_ws(' ', tgenabled, EXISTS (SELECT FROM pg_inherits WHERE inhparent = tgrelid),
    pg_get_triggerdef(pg_trigger.oid, true))
  FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
  WHERE relnamespace = {_HERE} AND NOT tgisinternal
    AND (starts_with(tgname, '{TRAIL}') OR relname = '{TRAIL}')
UNION ALL
SELECT relname, concat_ws(' ', relkind, relpersistence, relhasrules, relrowsecurity, (
    SELECT string_agg(
      concat_ws(' ', attname, format_type(atttypid, atttypmod), CASE WHEN atthasdef THEN 'default' END),
      ', ' ORDER BY attnum)
    FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped))
  FROM pg_class WHERE relnamespace = {_HERE} AND relname = '{TRAIL}'"""


class PostgreSQL:
    """A Dialect."""

    def stamp(self) -> Mapping[str, str]:
        """Who is logged in, whatever role acts."""
        return {"at": _NOW, "by": "session_user"}

    def alone(self, store: "Connection") -> None:
        """Several machines may open one store at the same moment; whoever writes to it goes first."""
        store.exec_driver_sql("SET LOCAL lock_timeout = '500ms'")
        store.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")

    def there(self, store: "Connection") -> dict[str, str]:
        """The source of a function; a trigger as PostgreSQL puts it, and whether it is enabled."""
        return dict(map(tuple, store.exec_driver_sql(_THERE)))

    def wanted(self, store: "Connection") -> Iterator[Part]:
        """The table, what writes to it, what keeps it, and a pair of triggers for each table of MLflow."""
        columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
        made = f"CREATE TABLE {TRAIL} ({columns.replace('bigint', f'bigint {_NUMBERED}')})"
        yield Part(TRAIL, f"r p f f {columns}", (made,))
        [[schema]] = store.exec_driver_sql("SELECT quote_ident(current_schema())")
        yield _function(_WRITES, _WRITING.replace("OURS.", f"{schema}."))
        yield _function(_REFUSES, _REFUSING)
        yield _trigger(f"{TRAIL}_keeps_rows", "BEFORE DELETE OR UPDATE", TRAIL, "ROW", _REFUSES)
        yield _trigger(f"{TRAIL}_keeps_all", "BEFORE TRUNCATE", TRAIL, "STATEMENT", _REFUSES)
        for table in (RUNS, *OF_RUNS, *OTHERS):
            if self.columns(store, table):
                actions = "INSERT OR DELETE OR UPDATE" if table in OF_RUNS else "DELETE OR UPDATE"
                yield _trigger(f"{TRAIL}_{table}", f"AFTER {actions}", table, "ROW", _WRITES)
                yield _trigger(f"{TRAIL}_{table}_truncate", "BEFORE TRUNCATE", table, "STATEMENT", _WRITES)

    def columns(self, store: "Connection", table: str) -> list[str]:
        """By their order in the table, whoever asks: the information schema hides what one may not read."""
        asked = (
            "SELECT attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
            f"WHERE relnamespace = {_HERE} AND relname = '{table}' AND attnum > 0 AND NOT attisdropped "
            "ORDER BY attnum"
        )
        return [name for (name,) in store.exec_driver_sql(asked)]


def _function(name: str, source: str) -> Part:
    """One that runs as its owner, and that nobody else may attach to a table of theirs."""
    settings = " ".join(f"SET {key} = {value}" for key, value in _SETTINGS.items())
    told = " ".join(f"{key}={value}" for key, value in _SETTINGS.items())
    made = f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {settings}"
    return Part(
        name,
        f"plpgsql t f {told} {source}",
        (f"{made} AS $body${source}$body$", f"REVOKE EXECUTE ON FUNCTION {name}() FROM PUBLIC"),
    )


def _trigger(name: str, moment: str, table: str, each: str, function: str) -> Part:
    made = f"CREATE TRIGGER {name} {moment} ON {table} FOR EACH {each} EXECUTE FUNCTION {function}()"
    always = f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"
    return Part(name, f"A f {made}", (f"DROP TRIGGER IF EXISTS {name} ON {table}", made, always))
