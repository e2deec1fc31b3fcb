"""Each record with its split and what came of it, in one pass, or in two where all molecules decide."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from clintune.examples import Record, Split
from clintune.molecules import scaffold
from clintune.params import Preprocess, SplitByScaffold
from clintune.preprocessing.checking import examine
from clintune.preprocessing.scaffolds import Scaffolds
from clintune.preprocessing.splitting import choose_split
from clintune.sources.readers import READERS
from clintune.tasks.admission import Admitted, Fault, Outcome
from clintune.tasks.intakes import Intake

Assigned: TypeAlias = tuple[Record[Any], Split | None, Outcome]
"""None: in a file that belongs to no split."""


def assign(corpus: Path, section: Preprocess, seed: int, intake: Intake) -> Generator[Assigned, None, None]:
    """Stream the records of a corpus in the order of its reader. Raises SourceError and DataError."""
    by = section.split
    if isinstance(by, SplitByScaffold):
        yield from _by_scaffold(corpus, section, by, intake)
        return
    with closing(READERS[section.format](corpus, section)) as records:
        for record in records:
            split = choose_split(record, by, seed)
            yield record, split, examine(record, section.labels, intake)


def _by_scaffold(
    corpus: Path, section: Preprocess, by: SplitByScaffold, intake: Intake
) -> Generator[Assigned, None, None]:
    """First all scaffolds, to see how frequent each is; then the records. Memory holds the scaffolds.

    A record without a scaffold is of no split; as a broken one it counts with train.
    """
    scaffolds = Scaffolds()
    for _, outcome in _molecules(corpus, section, intake):
        if isinstance(outcome, Admitted):
            scaffolds.add(outcome.example.group)
    splits = scaffolds.splits(by)
    for record, outcome in _molecules(corpus, section, intake):
        split = splits[outcome.example.group] if isinstance(outcome, Admitted) else "train"
        yield record, split, outcome


def _molecules(
    corpus: Path, section: Preprocess, intake: Intake
) -> Generator[tuple[Record[Any], Outcome], None, None]:
    """Each record with what comes of it; the group of an example is its scaffold."""
    with closing(READERS[section.format](corpus, section)) as records:
        for record in records:
            outcome = examine(record, section.labels, intake)
            if isinstance(outcome, Admitted):
                found = scaffold(outcome.example.text)
                if found is None:
                    outcome = Fault("unparsable_smiles", "")
                else:
                    outcome = replace(outcome, example=replace(outcome.example, group=found))
            yield record, outcome
