"""A split of molecules by scaffold, as DeepChem's ScaffoldSplitter makes it (Wu et al. 2018, MoleculeNet).

The scaffolds are taken from the most frequent down, of equally frequent ones the one whose first molecule
stands last in the corpus. Each goes to train if train then holds at most its share of all molecules, else to
validation if both then hold at most theirs, else to test. So test has the rare scaffolds, which are least
like those of train. There is no chance in it: the seed does not matter, and one new record can move others.
"""

from collections.abc import Mapping

from clintune.examples import Split
from clintune.params import SplitByScaffold


class Scaffolds:
    """How often each scaffold occurred, in the order of first sight."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, scaffold: str) -> None:
        """One molecule."""
        self._counts[scaffold] = self._counts.get(scaffold, 0) + 1

    def splits(self, by: SplitByScaffold) -> Mapping[str, Split]:
        """The split of each scaffold."""
        total = sum(self._counts.values())
        room = by.train * total, (by.train + by.validation) * total
        order = sorted(enumerate(self._counts), key=lambda one: (self._counts[one[1]], one[0]), reverse=True)
        held = {"train": 0, "validation": 0, "test": 0}
        found: dict[str, Split] = {}
        for _, scaffold in order:
            split = self._split(scaffold, held, room)
            held[split] += self._counts[scaffold]
            found[scaffold] = split
        return found

    def _split(self, scaffold: str, held: Mapping[str, int], room: tuple[float, float]) -> Split:
        size = self._counts[scaffold]
        if held["train"] + size <= room[0]:
            return "train"
        return "validation" if held["train"] + held["validation"] + size <= room[1] else "test"
