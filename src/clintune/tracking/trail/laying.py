"""Laying the trail in a store whose schema is there."""

import time

from clintune.tracking.home import Home
from clintune.tracking.trail.opening import FORBIDDEN, code_of, opened
from clintune.tracking.trail.parts import TRAIL

LAID = "LAY"
_BUSY = {"55P03", "40P01"}
"""PostgreSQL's codes for a lock that somebody else holds."""
_TRIES, _PAUSE = 10, 0.3


def lay(place: Home) -> None:
    """Make each part that is missing or another, and write that down, too.

    Gives up for a role of PostgreSQL that may not, or where others always write: verification finds what is
    missing, and the next who opens the store tries again.
    """
    from sqlalchemy.exc import DBAPIError

    for _ in range(_TRIES):
        try:
            return _lay(place)
        except DBAPIError as error:
            if (code := code_of(error)) == FORBIDDEN:
                return None
            if code not in _BUSY:
                raise
        time.sleep(_PAUSE)
    return None


def _lay(place: Home) -> None:
    with opened(place, writable=True) as (store, dialect):
        dialect.alone(store)
        there = dialect.there(store)
        laid = [part for part in dialect.wanted(store) if there.get(part.name) != part.definition]
        for statement in (statement for part in laid for statement in part.statements):
            store.exec_driver_sql(statement)
        if laid:
            names = " ".join(part.name for part in laid)
            stamp = dialect.stamp()
            store.exec_driver_sql(
                f"INSERT INTO {TRAIL} ({', '.join(stamp)}, action, place, after) "
                f"SELECT {', '.join(stamp.values())}, '{LAID}', '{names}', version_num "
                "FROM alembic_version"
            )
