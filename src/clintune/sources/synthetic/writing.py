"""Notes as JSON lines, written one by one."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from clintune.files import whole_file
from clintune.params import Synthetic
from clintune.sources.synthetic.checking import load_vocabulary
from clintune.sources.synthetic.patients import Note, write_patient
from clintune.sources.synthetic.vocabulary import Vocabulary


def write_notes(vocabulary: Path, section: Synthetic, seed: int, to: Path) -> int:
    """Write synthetic notes to `to`, one JSON object a line; returns how many.

    Same vocabulary, section and seed, same bytes. Raises SourceError for a broken vocabulary.
    """
    words = load_vocabulary(vocabulary)
    written = 0
    with whole_file(to) as draft, draft.open("w", encoding="utf-8", newline="\n") as stream:
        for patient in range(1, section.patients + 1):
            for note in write_patient(
                words,
                seed=seed,
                patient=patient,
                notes=section.notes_per_patient,
                misspelled=section.misspelled,
            ):
                stream.write(json.dumps(_row(note, words), ensure_ascii=False, sort_keys=True) + "\n")
                written += 1
    return written


def _row(note: Note, vocabulary: Vocabulary) -> dict[str, Any]:
    patient = f"patient-{note.patient:05}"
    return {
        "id": f"{patient}-note-{note.number:02}",
        "group": patient,
        "text": "".join(piece.text for piece in note.passage),
        "spans": _marked(note, vocabulary.labels, "label"),
        "identifiers": _marked(note, vocabulary.identifiers, "kind"),
        "attributes": note.attributes,
    }


def _marked(note: Note, marks: Collection[str], key: str) -> list[dict[str, Any]]:
    """The pieces that carry one of `marks`, with their characters in the note, in ascending order."""
    found, start = [], 0
    for piece in note.passage:
        end = start + len(piece.text)
        if piece.mark in marks:
            found.append({"start": start, "end": end, key: piece.mark, "text": piece.text})
        start = end
    return found
