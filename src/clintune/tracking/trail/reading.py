"""What the trail of a store holds, and whether it is whole."""

from dataclasses import dataclass, fields
from itertools import pairwise

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
    if not laid or laid[0][0] != 1:
        gone.append((TRAIL, "without its first row"))
    again = [
        (name, f"missing until {at}")
        for (*_, before), (_, at, names, schema) in pairwise(laid) if schema == before
        for name in names.split()
    ]  # fmt: skip
    return gone + again


def trail_of(place: Home) -> list[Change]:
    """The trail, oldest first; none where there is no trail."""
    with opened(place) as (store, dialect):
        if TRAIL not in dialect.there(store):
            return []
        names = ", ".join(one.name for one in fields(Change) if one.name != "by" or "by" in dialect.stamp())
        return [Change(*row) for row in store.exec_driver_sql(f"SELECT {names} FROM {TRAIL} ORDER BY number")]
