"""What the checklist counts anew: splits, texts that are alike, words that should not be there, packages."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clintune.evidence.checklist.census import Census, census
from clintune.evidence.checklist.items import Unknown
from clintune.evidence.checklist.leaks import Leaks, leaks
from clintune.evidence.checklist.likeness import ALIKE, alike, shingles
from clintune.evidence.checklist.needles import SHORTEST, Needles
from clintune.evidence.checklist.packages import read_locks, unlike
from clintune.evidence.checklist.sealed import Sealed
from clintune.examples import SPLITS, Example, Span, Window
from clintune.files import sha256
from clintune.tables import SPANS, write_examples, write_windows

TEXT = "The patient was admitted with congestive heart failure and was given a high dose of furosemide daily."


def note(name: str, text: str, **attributes: str) -> Example:
    return Example(name, f"group of {name}", text, (Span(0, 3, "Disease"),), attributes)


def window(name: str) -> Window:
    return Window(name, (1,), (0,), (3,), (True,), (True,), (0,))


def sealed(root: Path, splits: dict[str, list[Example]], foreign: str | None = None) -> Sealed:
    for split, examples in splits.items():
        write_examples(root / f"data/examples/{split}.parquet", examples, SPANS)
        names = [one.id for one in examples] + ([foreign] if foreign and split == "train" else [])
        write_windows(root / f"data/windows/{split}.parquet", map(window, names), pa.int32())
    files = sorted(path for path in (root / "data").rglob("*.parquet"))
    return Sealed(root, {path.relative_to(root).as_posix(): sha256(path) for path in files})


@pytest.fixture
def splits() -> dict[str, list[Example]]:
    """Three splits without anything wrong."""
    return {
        split: [
            note(f"{split}-{number:04}", f"{split} {number} {split * number}", sex="x") for number in range(4)
        ]
        for split in SPLITS
    }


def counted(root: Path, splits: dict[str, list[Example]], foreign: str | None = None) -> Census:
    return census(sealed(root, splits, foreign), ["Disease"], "entities")


def test_splits_without_fault_have_only_zeros(tmp_path, splits):
    found = counted(tmp_path, splits)
    assert found.examples == {"train": 4, "validation": 4, "test": 4}
    faults = (
        found.shared_groups,
        found.same,
        found.near,
        found.empty,
        found.illegal,
        found.foreign,
        found.old,
    )
    assert faults == (0, 0, 0, 0, 0, 0, 0)
    assert found.cells == {"sex": {"x": {"train": 4, "validation": 4, "test": 4}}}


def test_a_group_in_two_splits_is_counted_once(tmp_path, splits):
    splits["test"] = [replace(one, group="patient 7") for one in splits["test"]]
    splits["train"][0] = replace(splits["train"][0], group="patient 7")
    assert counted(tmp_path, splits).shared_groups == 1


def test_a_text_of_train_in_test_is_counted_whatever_its_blanks_and_case(tmp_path, splits):
    splits["train"].append(note("a", TEXT))
    splits["test"].append(note("b", TEXT.upper().replace(" ", "\n ")))
    found = counted(tmp_path, splits)
    assert (found.same, found.near) == (1, 1)


def test_the_same_text_twice_in_one_split_is_none(tmp_path, splits):
    splits["train"] += [note("a", TEXT), note("b", TEXT)]
    found = counted(tmp_path, splits)
    assert (found.same, found.near) == (0, 0)


def test_a_text_with_one_other_word_is_nearly_the_same(tmp_path, splits):
    splits["validation"].append(note("a", TEXT))
    splits["test"].append(note("b", TEXT.replace("daily", "twice")))
    found = counted(tmp_path, splits)
    assert (found.same, found.near) == (0, 1)


def test_targets_outside_the_text_or_of_no_known_label_are_counted(tmp_path, splits):
    splits["train"][0] = replace(splits["train"][0], target=(Span(0, 999, "Disease"),))
    splits["test"][0] = replace(splits["test"][0], target=(Span(0, 2, "Drug"),))
    assert counted(tmp_path, splits).illegal == 2


def test_missing_attributes_empty_texts_and_high_ages_are_counted(tmp_path, splits):
    splits["train"] += [
        note("a", "  "),
        note("b", "A 93-year-old man.", sex=" "),
        note("c", "He is 89 years old."),
    ]
    found = counted(tmp_path, splits)
    assert (found.empty, found.old, found.without) == (1, 1, {"sex": 3})


def test_a_window_of_test_among_those_of_train_is_counted(tmp_path, splits):
    assert counted(tmp_path, splits, foreign="test-0001").foreign == 1


def test_a_split_that_was_changed_since_is_not_counted(tmp_path, splits):
    before = sealed(tmp_path, splits)
    write_examples(tmp_path / "data/examples/test.parquet", splits["train"], SPANS)
    with pytest.raises(Unknown, match="is not as it was sealed"):
        census(before, ["Disease"], "entities")


def test_of_very_many_texts_some_are_compared_and_it_says_how_many(tmp_path, splits, monkeypatch):
    monkeypatch.setattr("clintune.evidence.checklist.census.MOST_TEXTS", 6)
    found = counted(tmp_path, splits)
    assert 0 < found.compared <= 6
    assert sum(found.examples.values()) == 12


WORDS = st.lists(st.sampled_from(["ab", "cd", "ef", "gh", "ij"]), min_size=1, max_size=12).map(" ".join)


@given(st.lists(st.tuples(WORDS, st.integers(0, 2)), max_size=12))
def test_looking_up_rare_triples_misses_no_pair_that_is_alike(texts):
    sets = [set(shingles(text).tolist()) for text, _ in texts]
    splits = [split for _, split in texts]
    every = {
        (place, other) for place in range(len(texts)) for other in range(place)
        if splits[place] != splits[other]
        and len(sets[place] & sets[other]) / len(sets[place] | sets[other]) >= ALIKE
    }  # fmt: skip
    assert set(alike([shingles(text) for text, _ in texts], splits)) == every


def test_chinese_is_compared_by_characters():
    one, other = (
        "患者因充血性心力衰竭入院并接受利尿剂治疗数日后出院。",
        "患者因充血性心力衰竭入院并接受利尿剂治疗数日后回家。",
    )
    assert len(shingles(one)) > 20
    assert list(alike([shingles(one), shingles(other)], [0, 1])) == [(1, 0)]


@given(st.data())
def test_needles_finds_what_is_there_and_nothing_else(data):
    alphabet = st.sampled_from(b"abc")
    words = data.draw(st.sets(st.lists(alphabet, min_size=SHORTEST, max_size=20).map(bytes), max_size=6))
    hay = data.draw(
        st.lists(st.one_of(st.sampled_from(sorted(words) or [b""]), alphabet.map(lambda c: bytes([c]))))
    )
    content = b"".join(hay)
    assert set(Needles(words).within(content)) == {word for word in words if word in content}


def test_a_needle_across_two_blocks_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("clintune.evidence.checklist.needles._AT_ONCE", 64)
    (tmp_path / "hay").write_bytes(b"." * 60 + b"patient-00001-note-01" + b"." * 60)
    assert Needles([b"patient-00001-note-01", b"elsewhere"]).among(tmp_path / "hay") == {
        b"patient-00001-note-01"
    }


def leaked(root: Path, splits: dict[str, list[Example]], **files: str) -> Leaks:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return leaks(
        sealed(root, splits), root / ".clintune", ["data/bundle/card", "data/examples/train.parquet"]
    )


def test_a_line_or_an_id_of_a_record_is_found_as_text_json_or_html(tmp_path, splits):
    line = 'Mr. Müller\'s "old" complaints & <new> ones have grown'
    splits["train"].append(note("patient-77", f"First.\n{line}\nLast."))
    assert leaked(tmp_path, splits, **{"data__bundle__card": "nothing"}).hits == ()
    for shown in (line, json.dumps(line), json.dumps(line, ensure_ascii=False), "see patient-77."):
        assert leaked(tmp_path, splits, **{"data__bundle__card": f"a {shown} b"}).hits == (
            ("data/bundle/card", 1),
        )
    escaped = "a Mr. Müller&#x27;s &quot;old&quot; complaints &amp; &lt;new&gt; ones have grown"
    assert leaked(tmp_path, splits, **{".clintune__log": escaped}).hits[0] == (".clintune/log", 1)


def test_what_holds_records_is_not_looked_through(tmp_path, splits):
    assert leaked(tmp_path, splits, **{"data__bundle__card": "x"}).files == 1


def test_a_store_too_large_to_read_is_read_in_part_and_it_says_so(tmp_path, splits, monkeypatch):
    monkeypatch.setattr("clintune.evidence.checklist.leaks.MOST_BYTES", 10)
    found = leaked(tmp_path, splits, **{".clintune__a": "x" * 8, ".clintune__b": "y" * 9})
    assert (found.read, found.size) == (8, 17)


LOCK = """\
# a comment
numpy==2.4.6 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via pandas
pywin32==312 ; sys_platform == 'win32' \\
    --hash=sha256:cc
bare==1.0
"""


def test_a_lock_is_read_with_versions_hashes_and_markers(tmp_path):
    (tmp_path / "requirements.lock").write_text(LOCK)
    lock = read_locks(tmp_path)["requirements.lock"]
    assert {name: (one.version, one.hashes, one.always) for name, one in lock.items()} == {
        "numpy": ("2.4.6", 2, True), "pywin32": ("312", 1, False), "bare": ("1.0", 0, True),
    }  # fmt: skip


def test_what_was_installed_otherwise_than_locked_is_named(tmp_path):
    (tmp_path / "requirements.lock").write_text(LOCK)
    installed = {
        "NumPy": {"version": "2.5"},
        "torch": {"version": "2.13.0+cpu"},
        "extra_one": {"version": "1"},
    }
    assert unlike(read_locks(tmp_path), installed) == [
        "bare was not installed", "extra-one 1, in no lock file", "numpy 2.5, locked is 2.4.6",
    ]  # fmt: skip
