"""Synthetic notes for tests: written with the shipped vocabulary, read back as they stand in data/raw."""

import json
from pathlib import Path

from clintune.params import Synthetic
from clintune.sources.synthetic import write_notes

VOCABULARY = Path(__file__).parents[2] / "src/clintune/sources/synthetic/vocabulary.yaml"


def section(*, patients=20, notes=3, misspelled=0.05):
    return Synthetic(patients=patients, notes_per_patient=notes, misspelled=misspelled)


def notes(folder, *, seed=17, vocabulary=VOCABULARY, **sizes):
    """The rows of notes.jsonl."""
    path = folder / "notes.jsonl"
    write_notes(vocabulary, section(**sizes), seed, path)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def mentions(rows):
    """(row, span) of every mention."""
    return [(row, span) for row in rows for span in row["spans"]]
