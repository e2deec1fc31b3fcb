"""From which runs a sealed run comes, and what of them decides the result besides the seed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clintune.evidence.changes.states import made_for
from clintune.evidence.subject import Record
from clintune.lockfile import is_code


@dataclass(frozen=True, slots=True)
class Ancestry:
    """All sealed runs of stages, oldest first; by path and sum, `wrote` has the numbers of its writers."""

    sealed: Sequence[Record]
    wrote: Mapping[tuple[str, str], Sequence[int]]

    @classmethod
    def of(cls, sealed: Sequence[Record]) -> "Ancestry":
        """Look once who wrote what."""
        wrote = defaultdict[tuple[str, str], list[int]](list)
        for number, record in enumerate(sealed):
            for path, one in record["outputs"].items():
                wrote[path, one["sha256"]].append(number)
        return cls(sealed, wrote)

    def line(self, number: int) -> dict[str, Record]:
        """By stage: this run, and of each stage before it the last run that wrote what was read."""
        found, waiting = {self.sealed[number]["stage"]: self.sealed[number]}, [number]
        while waiting:
            reader = waiting.pop()
            read = self.sealed[reader]["inputs"].items()
            makers = {one for path, it in read for one in self.wrote.get((path, it["sha256"]), ())}
            for maker in sorted((one for one in makers if one < reader), reverse=True):
                stage = self.sealed[maker]["stage"]
                if stage not in found and made_for(self.sealed[maker], self.sealed[reader]):
                    found[stage] = self.sealed[maker]
                    waiting.append(maker)
        return found

    def decides(self, record: Record) -> Mapping[str, Any]:
        """Command, params but the seed, code, and data that no stage wrote: a corpus."""
        read = {path: one["sha256"] for path, one in record["inputs"].items()}
        return {
            "cmd": record["lock"]["cmd"],
            "params": {key: value for key, value in params_of(record).items() if key != "seed"},
            "read": {
                path: one for path, one in read.items() if is_code(path) or (path, one) not in self.wrote
            },
        }  # fmt: skip


def params_of(record: Record) -> dict[str, Any]:
    """By section, as a stage was told them."""
    return {key: value for values in record["lock"]["params"].values() for key, value in values.items()}
