"""What the trail of a store holds, and whether it is whole."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

from clintune.tracking.home import Home
from clintune.tracking.trail.laying import LAID
from clintune.tracking.trail.opening import opened
from clintune.tracking.trail.parts import RUNS, TRAIL


@dataclass(frozen=True, slots=True)
class Change:
    """A row that was updated, deleted or inserted: as JSON, before and after.

    `by`: the user of the database; SQLite has none.
    """

    number: int
    at: str
    action: str
    place: str
    before: str | None
    after: str | None
    by: str | None = None


def gaps(place: Home) -> list[tuple[str, str]]:
    """(part, since or until when) for what is missing of the trail, or was until it was laid anew.

    A migration of MLflow's schema makes tables anew, without triggers: what is laid after it is no gap. A
    database that MLflow has not used yet has none.
    """
    with opened(place) as (store, dialect):
        if not dialect.columns(store, RUNS):
            return []
        there = dialect.there(store)
        wanted = {part.name: part.definition for part in dialect.wanted(store)}
        gone = [(name, "missing") for name, made in wanted.items() if there.get(name) != made]
        gone += [(name, "no part of it") for name in sorted(there.keys() - wanted.keys())]
        if TRAIL not in there:
            return gone
        asked = f"SELECT number, at, place, after FROM {TRAIL} WHERE action = '{LAID}' ORDER BY number"
        laid = list(store.exec_driver_sql(asked))
        now = store.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    if not laid or laid[0][0] != 1:
        gone.append((TRAIL, "without its first row"))
    again = [
        (name, f"missing until {at}")
        for (*_, before), (_, at, names, schema) in pairwise(laid) if schema == before
        for name in names.split()
    ]  # fmt: skip
    return gone + again + list(_unexplained([*((at, schema) for _, at, _, schema in laid), ("now", now)]))


def _unexplained(schemas: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """What no migration explains, of (when, schema of MLflow), oldest first.

    Who writes a row of another schema into the trail, to pass a gap off as a migration, is found by it: the
    schema is none of MLflow's, older than the one before it, or newer than the one after it.
    """
    if len({schema for _, schema in schemas}) == 1:
        return
    age = {schema: number for number, schema in enumerate(_history())}
    for (at, before), (_, after) in pairwise(schemas):
        if before not in age or age.get(after, len(age)) < age[before]:
            yield TRAIL, f"laid at {at} for schema {before}, and later for {after}: no migration did that"


def _history() -> list[str]:
    """The schemas of MLflow's database, oldest first."""
    import mlflow
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(Path(mlflow.__file__).parent / "store/db_migrations")
    return [one.revision for one in scripts.walk_revisions()][::-1]


def odd_metrics(place: Home) -> list[tuple[str, str]]:
    """(run, metric) whose last point is not in the table of last points, by which MLflow lists and shows
    metrics, or stands there as of another step or time. Values are compared with what was sealed.
    """
    point = "run_uuid, key, step, timestamp"
    asked = (
        "SELECT run_uuid, key, max(step) FROM metrics GROUP BY run_uuid, key"
        " EXCEPT SELECT run_uuid, key, step FROM latest_metrics",
        f"SELECT {point} FROM latest_metrics EXCEPT SELECT {point} FROM metrics",
    )
    with opened(place) as (store, dialect):
        if not dialect.columns(store, RUNS):
            return []
        rows = {(str(run), str(key)) for one in asked for run, key, *_ in store.exec_driver_sql(one)}
        return sorted(rows)


def trail_of(place: Home) -> list[Change]:
    """The trail, oldest first; none where there is no trail."""
    with opened(place) as (store, dialect):
        if TRAIL not in dialect.there(store):
            return []
        names = ", ".join(one.name for one in fields(Change) if one.name != "by" or "by" in dialect.stamp())
        return [Change(*row) for row in store.exec_driver_sql(f"SELECT {names} FROM {TRAIL} ORDER BY number")]
