"""The ledger: a chain that shows what was changed, removed or put in between."""

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clintune.errors import LedgerError
from clintune.evidence.verification.sealed import ledger_in
from clintune.evidence.verification.verifier import read_ledger
from clintune.sealing.canonical import canonical, digest
from clintune.sealing.ledger import FIRST, Ledger, decode

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def note(number: int) -> dict[str, int | str]:
    """A record of a kind that nobody else asks for."""
    return {"kind": "note", "number": number}


def filled(folder: Path, count: int = 4) -> Ledger:
    ledger = Ledger(folder)
    for number in range(count):
        ledger.append("note", f"run-{number}", note(number), at=1000 + number)
    return ledger


def read(folder: Path):
    """(line, record) that hold; the lines; what is wrong."""
    there = ledger_in(folder)
    return read_ledger(there.lines, there.records)


def rewrite(ledger: Ledger, change) -> None:
    lines = ledger.file.read_bytes().splitlines(keepends=True)
    ledger.file.write_bytes(b"".join(change(lines)))


@given(TREES)
def test_a_tree_that_went_through_json_has_the_same_hash(tree):
    assert digest(json.loads(canonical(tree))) == digest(tree)


def test_canonical_json_is_to_the_byte_what_it_was():
    tree = {"b": [1, 2.5, 1e-8, True, None], "a": "Grüße\n"}
    assert canonical(tree) == '{"a":"Grüße\\n","b":[1,2.5,1e-08,true,null]}'.encode()
    assert digest(tree) == "9a4505758e799d15e482725fe5ec02e7535be651b6433513788501792b548d77"


def test_each_line_names_the_one_before_it_and_its_record(tmp_path):
    filled(tmp_path)
    sealed, lines, wrong = read(tmp_path)
    assert wrong == []
    assert [line["number"] for line in lines] == [1, 2, 3, 4]
    assert [line["previous"] for line in lines] == [FIRST, *(line["hash"] for line in lines[:-1])]
    assert [record for _, record in sealed] == [note(number) for number in range(4)]


def test_a_folder_without_a_ledger_is_an_empty_chain(tmp_path):
    assert read(tmp_path / "nowhere") == ([], [], [])


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda lines: [lines[0], lines[2], lines[3]], "ledger.jsonl:2"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "ledger.jsonl:1"),
        (lambda lines: [lines[0], lines[0], *lines[1:]], "ledger.jsonl:2"),
        (lambda lines: [lines[0].replace(b"1000", b"1001"), *lines[1:]], "ledger.jsonl:1"),
        (lambda lines: [lines[0], b"{}\n", *lines[2:]], "ledger.jsonl:2"),
        (lambda lines: [lines[0], b"\xff\n", *lines[2:]], "ledger.jsonl:2"),
    ],
    ids=["removed", "exchanged", "repeated", "changed", "emptied", "no text"],
)
def test_a_line_that_is_not_as_it_was_is_named(tmp_path, change, place):
    ledger = filled(tmp_path)
    rewrite(ledger, change)
    assert place in {one["place"] for one in read(tmp_path)[2]}


def test_a_record_that_was_changed_or_removed_is_named(tmp_path):
    ledger = filled(tmp_path)
    changed, removed = (ledger.record_file(digest(note(number))) for number in (0, 2))
    changed.write_bytes(canonical(note(7)))
    removed.unlink()
    found = {one["field"]: one["found"] for one in read(tmp_path)[2]}
    assert found == {"record of run-0": digest(note(7)), "record of run-2": ""}


def test_half_a_line_of_a_killed_process_is_taken_off_before_the_next(tmp_path):
    ledger = filled(tmp_path)
    whole = ledger.file.read_bytes()
    ledger.file.write_bytes(whole + whole.splitlines()[0][:50])
    ledger.append("note", "run-4", note(4), at=1004)
    _, lines, wrong = read(tmp_path)
    assert wrong == []
    assert [line["subject"] for line in lines] == [f"run-{number}" for number in range(5)]


def test_a_line_that_lacks_only_its_end_is_kept(tmp_path):
    ledger = filled(tmp_path)
    whole = ledger.file.read_bytes()
    ledger.file.write_bytes(whole.removesuffix(b"\n"))
    ledger.expect_sound()
    assert ledger.file.read_bytes() == whole


def test_nothing_is_chained_to_a_line_that_was_changed(tmp_path):
    ledger = filled(tmp_path)
    rewrite(ledger, lambda lines: [*lines[:-1], lines[-1].replace(b"1003", b"1004")])
    with pytest.raises(LedgerError, match=r"ledger\.jsonl:4: the line was changed"):
        ledger.append("stage", "run-4", {}, at=1004)


@pytest.mark.parametrize("last", [b"{}\n", b"\xff\n", b'{"number": 4}\n'])
def test_that_nothing_could_be_sealed_can_be_known_before_there_is_something(tmp_path, last):
    ledger = filled(tmp_path)
    ledger.expect_sound()
    rewrite(ledger, lambda lines: [*lines[:-1], last])
    damaged = ledger.file.read_bytes()
    with pytest.raises(LedgerError, match=r"ledger\.jsonl:4: no line of a ledger"):
        ledger.expect_sound()
    assert ledger.file.read_bytes() == damaged


def test_a_ledger_that_is_new_or_ends_with_half_a_line_can_be_written_to(tmp_path):
    Ledger(tmp_path / "new").expect_sound()
    ledger = filled(tmp_path)
    whole = ledger.file.read_bytes()
    ledger.file.write_bytes(whole + whole.splitlines()[0][:50])
    ledger.expect_sound()
    assert ledger.file.read_bytes() == whole


def append(folder: Path, number: int) -> None:
    Ledger(folder).append("note", f"run-{number}", note(number), at=number)


def test_many_processes_append_to_one_chain(tmp_path):
    with ProcessPoolExecutor(4) as processes:
        list(processes.map(append, [tmp_path] * 40, range(40)))
    _, lines, wrong = read(tmp_path)
    assert wrong == []
    assert {line["subject"] for line in lines} == {f"run-{number}" for number in range(40)}


LINE = {"number": 1, "at": 0, "kind": "stage", "subject": "run", "record": "a" * 64, "previous": FIRST}
OTHER = {"number": 2, "at": 1, "kind": "pack", "subject": "walk", "record": "b" * 64, "previous": "c" * 64}


@pytest.mark.parametrize("field", LINE)
def test_a_line_has_another_hash_whichever_field_is_another(field):
    line = decode(canonical({**LINE, "hash": digest(LINE)}), place="")
    assert replace(line, **{field: OTHER[field]}).hash != line.hash
