"""The splits, counted anew: who is in two, what is missing, which targets cannot be. No text is kept."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from clintune.evidence.checklist.likeness import Shingles, alike, shingles
from clintune.evidence.checklist.sealed import Sealed
from clintune.examples import SPLITS, Example, Split
from clintune.files import read_table
from clintune.tables import read_examples
from clintune.tasks.intakes import INTAKES

MOST_TEXTS = 20_000
"""With more, every second, fourth, eighth … text is compared with the others for likeness."""

MOST_VALUES = 1000
"""As in preprocess: an attribute with more values names no subgroups."""

FEWEST = 20
"""Cells with fewer records are flagged."""

_OLD = re.compile(r"\b(?:9\d|1[0-4]\d)[ -]?(?:years?[ -]old|y/?o\b|year-old)", re.IGNORECASE)

Cells = Mapping[str, Mapping[str, Mapping[str, int]]]
"""Records by attribute, value and split."""


@dataclass(frozen=True, slots=True)
class Census:
    """Counts over all splits.

    `same` and `near`: texts of a split that an earlier one has too, to the letter but for blanks and case, or
    nearly; `compared` texts were looked at for the latter. `illegal`: targets that lie outside the text, are
    of no known label, or no number. `foreign`: windows of train or validation of an example of neither.
    `old`: texts with an age of 90 or more.
    """

    examples: Mapping[str, int]
    shared_groups: int
    same: int
    near: int
    compared: int
    cells: Cells
    without: Mapping[str, int]
    empty: int
    illegal: int
    foreign: int
    old: int


def census(sealed: Sealed, labels: Iterable[str], task: str) -> Census:
    """Read every example once. Raises Unknown where a split is not there, or not as it was sealed."""
    files = {split: sealed.file(f"data/examples/{split}.parquet") for split in SPLITS}
    windows = {
        split: sealed.file(f"data/windows/{split}.parquet") for split in SPLITS if split != "test"
    }  # fmt: skip
    count = _Count(task, frozenset(labels))
    for number, (split, file) in enumerate(files.items()):
        for example in read_examples(file, INTAKES[task].target):
            count.add(number, split, example)
    return Census(
        examples=dict(count.examples),
        shared_groups=count.shared_groups,
        same=count.same,
        near=len({place for place, _ in alike(count.sample, count.sample_splits)}),
        compared=len(count.sample),
        cells=count.cells,
        without={name: sum(count.examples.values()) - there for name, there in sorted(count.named.items())},
        empty=count.empty,
        illegal=count.illegal,
        foreign=sum(_foreign(file, count.ids[split]) for split, file in windows.items()),
        old=count.old,
    )


def _foreign(windows: Path, ids: set[bytes]) -> int:
    rows: Iterator[str] = read_table(windows, lambda row: str(row["example_id"]), columns=["example_id"])
    return sum(_digest(one) not in ids for one in rows)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


@dataclass(slots=True)
class _Count:
    """What was seen so far. Texts, groups and ids are kept as eight bytes each."""

    task: str
    labels: frozenset[str]
    examples: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    groups: dict[bytes, int] = field(default_factory=dict)
    texts: dict[bytes, int] = field(default_factory=dict)
    ids: dict[Split, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    sample: list[Shingles] = field(default_factory=list)
    sample_splits: list[int] = field(default_factory=list)
    sampled: list[bytes] = field(default_factory=list)
    step: int = 1
    cells: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    shared: set[bytes] = field(default_factory=set)
    same: int = 0
    empty: int = 0
    illegal: int = 0
    old: int = 0

    @property
    def shared_groups(self) -> int:
        """Groups that lie in two splits."""
        return len(self.shared)

    def add(self, number: int, split: Split, example: Example[Any]) -> None:
        """Count an example of the split with this number."""
        self.examples[split] += 1
        self.ids[split].add(_digest(example.id))
        if self.groups.setdefault(_digest(example.group), number) != number:
            self.shared.add(_digest(example.group))
        text = _digest(" ".join(example.text.casefold().split()))
        self.same += self.texts.setdefault(text, number) != number
        self.empty += not example.text.strip()
        self.illegal += not _legal(self.task, example, self.labels)
        self.old += _OLD.search(example.text) is not None
        self._sample(number, text, example.text)
        for name, value in example.attributes.items():
            self.named[name] += bool(value.strip())
            values = self.cells.setdefault(name, {})
            if value in values or len(values) <= MOST_VALUES:
                splits = values.setdefault(value, {})
                splits[split] = splits.get(split, 0) + 1

    def _sample(self, number: int, digest: bytes, text: str) -> None:
        """Keep every `step`-th text by its digest, so that which ones does not depend on their order."""
        if int.from_bytes(digest) % self.step:
            return
        self.sample.append(shingles(text))
        self.sample_splits.append(number)
        self.sampled.append(digest)
        if len(self.sample) > MOST_TEXTS:
            self.step *= 2
            kept = [at for at, one in enumerate(self.sampled) if int.from_bytes(one) % self.step == 0]
            self.sample = [self.sample[at] for at in kept]
            self.sample_splits = [self.sample_splits[at] for at in kept]
            self.sampled = [self.sampled[at] for at in kept]


def _legal(task: str, example: Example[Any], labels: frozenset[str]) -> bool:
    match task:
        case "entities":
            return all(
                0 <= span.start < span.end <= len(example.text) and span.label in labels
                for span in example.target
            )
        case "classification":
            return example.target in labels
        case "multilabel":
            return labels.issuperset(example.target)
        case _:
            return any(value is not None for value in example.target)
