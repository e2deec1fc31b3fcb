"""Laying the trail in a store whose schema is there."""

from clintune.tracking.home import Home
from clintune.tracking.trail.opening import opened
from clintune.tracking.trail.parts import TRAIL

LAID = "LAY"
_FORBIDDEN = "42501"
"""PostgreSQL's code for what a role has no right to."""


def lay(place: Home) -> None:
    """Make each part that is missing or another, and write that down, too.

    Does nothing for a role of PostgreSQL that may not: verification finds what is missing.
    """
    from sqlalchemy.exc import ProgrammingError

    try:
        _lay(place)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _FORBIDDEN:
            raise


def _lay(place: Home) -> None:
    with opened(place, writable=True) as (store, dialect):
        dialect.alone(store)
        there = dialect.there(store)
        laid = [part for part in dialect.wanted(store) if there.get(part.name) != part.definition]
        for statement in (statement for part in laid for statement in part.statements):
            store.exec_driver_sql(statement)
        if laid:
            names = " ".join(part.name for part in laid)
            store.exec_driver_sql(
                f"INSERT INTO {TRAIL} (action, place, after) "
                f"SELECT '{LAID}', '{names}', version_num FROM alembic_version"
            )
