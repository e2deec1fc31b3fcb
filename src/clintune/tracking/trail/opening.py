"""The database that keeps a trail, opened beside MLflow."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from clintune.tracking.home import Home
from clintune.tracking.trail.parts import Dialect
from clintune.tracking.trail.postgresql import PostgreSQL
from clintune.tracking.trail.sqlite import SQLite

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

FORBIDDEN = "42501"
"""PostgreSQL's code for what a role has no right to."""
_PATIENCE = 60
"""Seconds to wait for a SQLite file that somebody else writes to."""


def code_of(error: Exception) -> str | None:
    """PostgreSQL's code for what went wrong, whatever the driver calls it."""
    cause = getattr(error, "orig", None)
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)


def is_kept(place: Home) -> bool:
    """Whether the store is one whose trail can be laid and read: not a server, and there."""
    return place.sqlite.exists() if place.sqlite is not None else _is_postgresql(place)


def name_of(place: Home) -> str:
    """Of the database, without host and user."""
    from sqlalchemy import make_url

    return place.sqlite.name if place.sqlite is not None else str(make_url(place.uri).database)


@contextmanager
def opened(place: Home, *, writable: bool = False) -> "Iterator[tuple[Connection, Dialect]]":
    """A transaction. Raises SQLAlchemyError where the database does not answer."""
    engine = _engine(place, writable=writable).execution_options(no_parameters=True)  # % is a letter
    with engine.begin() as store:
        yield store, PostgreSQL() if _is_postgresql(place) else SQLite()


def _engine(place: Home, *, writable: bool) -> "Engine":
    from sqlalchemy import NullPool, create_engine

    if place.sqlite is None:
        return create_engine(place.uri, poolclass=NullPool).execution_options(
            postgresql_readonly=not writable
        )
    file = f"{place.sqlite.resolve().as_uri()}?mode={'rw' if writable else 'ro'}"

    def connection() -> sqlite3.Connection:
        return sqlite3.connect(file, uri=True, timeout=_PATIENCE)

    return create_engine("sqlite://", creator=connection, poolclass=NullPool)


def _is_postgresql(place: Home) -> bool:
    return place.uri.startswith(("postgresql:", "postgresql+"))
