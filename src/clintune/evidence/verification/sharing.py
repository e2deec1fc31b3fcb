"""Whose runs those are: a store may hold the runs of several clones, each with a ledger of its own."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clintune.sealing.ledger import Ledger
from clintune.tracking.home import Home
from clintune.tracking.run import LEDGER, SEALED
from clintune.tracking.stored import Stored

Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sharing:
    """What of a store is this clone's.

    `own` are the names of its ledger, which may have been made anew; None where the store is this clone's
    alone: a run that says it is somebody else's lies there. `stored` are its runs, `others` MLflow's names
    for those of other clones.
    """

    own: frozenset[str] | None
    stored: Mapping[str, Stored]
    others: frozenset[str]

    @classmethod
    def of(
        cls, place: Home, stored: Mapping[str, Stored], sealed: Mapping[str, Tree], waiting: Iterable[str]
    ) -> "Sharing":
        """By the ledger that each run names. `sealed` has the records by run; who waits is known, too."""
        if place.sqlite == place.database:
            return cls(None, stored, frozenset())
        said = (record["reported"]["tags"].get(LEDGER, "") for record in sealed.values())
        own = frozenset({Ledger(place.ledger).identity(), *said, ""})
        known = {*sealed, *waiting}
        mine = {key: one for key, one in stored.items() if key in known or one.ledger in own}
        return cls(own, mine, frozenset(stored[key].id for key in stored.keys() - mine.keys()))

    def own_lines(self, tags: Iterable[Tree]) -> Iterator[str]:
        """Of tags that were changed or deleted, oldest first, the lines of this ledger: number:hash.

        Whose run it was is what it said before the first change.
        """
        ledgers, tags = dict[str, str](), list(tags)
        for tag in tags:
            if tag.get("key") == LEDGER:
                ledgers.setdefault(str(tag.get("run_uuid")), str(tag.get("value")))
        for tag in tags:
            run = str(tag.get("run_uuid"))
            is_other = ledgers[run] not in self.own if self.own and run in ledgers else run in self.others
            if tag.get("key") == SEALED and not is_other:
                yield str(tag.get("value"))


def before(old: dict[str, Any], new: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The tag as it was. UPDATE OR REPLACE lays another one over that of a line, which leaves no row."""
    yield from [old] if old else []
    if old and new.get("key") == SEALED != old.get("key"):
        yield {**new, "value": "0:a line that was written over"}
