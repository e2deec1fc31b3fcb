"""Is the text of a record whole? Its target is the task's matter."""

from collections.abc import Mapping
from typing import Any

from clintune.examples import Record
from clintune.tasks.admission import Fault, Outcome
from clintune.tasks.intakes import Intake

REASONS: Mapping[str, str] = {
    "empty_text": "the text has nothing but white space",
    "nul_character": "U+0000 in the text: a binary or damaged file",
    "duplicate_id": "an earlier record that was kept has the same id",
    "group_in_two_splits": "an earlier record of the same group lies in another split",
    "unparsable_smiles": "RDKit reads no molecule from the text, so it has no scaffold",
}
"""Why a record of any task is quarantined; each task's intake has reasons of its own."""


def examine(record: Record[Any], labels: Mapping[str, str | None], intake: Intake) -> Outcome:
    """The example that a record gives, or the first fault that keeps it from being one."""
    text = record.example.text
    if not text.strip():
        return Fault("empty_text", f"{len(text)} characters")
    if "\0" in text:
        return Fault("nul_character", f"at {text.index(chr(0))}")
    return intake.admit(record, labels)
