"""No text is lost between windows, and each token has one owner."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clintune.errors import ModelError
from clintune.windows import load_cutter
from tests.strategies import CHARACTERS


@given(text=st.text(CHARACTERS, max_size=400), size=st.integers(8, 40), share=st.floats(0, 0.5))
@settings(max_examples=150, deadline=None)
def test_owned_tokens_of_all_windows_are_the_text_once_in_order(cutter_of, text, size, share):
    cutter = cutter_of(size, int((size - 3) * share))
    tokens = cutter.tokens(text)
    windows = list(cutter.cut("a", tokens, range(len(tokens))))
    owned = [
        label for window in windows for label, own in zip(window.labels, window.owned, strict=True) if own
    ]
    assert owned == list(range(len(tokens)))
    assert all(len(window.input_ids) <= size for window in windows)


@given(text=st.text(CHARACTERS, min_size=1, max_size=200))
@settings(max_examples=100, deadline=None)
def test_tokens_name_the_characters_they_came_from(cutter_of, text):
    tokens = cutter_of(64, 8).tokens(text)
    assert all(0 <= a < b <= len(text) for a, b in zip(tokens.starts, tokens.ends, strict=True))
    seen = {place for a, b in zip(tokens.starts, tokens.ends, strict=True) for place in range(a, b)}
    assert all(text[place].isspace() for place in range(len(text)) if place not in seen)


def test_a_long_note_is_cut_into_windows_that_overlap(cutter_of):
    cutter = cutter_of(64, 16)
    tokens = cutter.tokens("The patient denies chest pain. " * 400)
    windows = list(cutter.cut("a", tokens, [0] * len(tokens)))
    assert len(tokens) > 2000
    assert all(len(window.input_ids) == 64 for window in windows)
    assert sum(len(window.input_ids) - 2 for window in windows) > len(tokens)


def test_ownership_changes_between_words(cutter_of):
    cutter = cutter_of(32, 14)
    tokens = cutter.tokens("hepatosplenomegaly cystadenocarcinoma " * 30)
    windows = list(cutter.cut("a", tokens, [0] * len(tokens)))
    firsts = [window.owned.index(True) for window in windows]
    assert all(window.heads[first] for window, first in zip(windows, firsts, strict=True))


def test_a_text_without_tokens_is_one_window_that_owns_nothing(cutter_of):
    cutter = cutter_of(32, 8)
    (window,) = cutter.cut("a", cutter.tokens(" \n"), [])
    assert not any(window.owned)


def test_a_window_without_room_for_text_is_refused(shipped):
    from clintune.encoders import tokenizer_file

    with pytest.raises(ModelError, match="leaves no room"):
        load_cutter(tokenizer_file(shipped.model), max_tokens=8, overlap=6)


def test_a_file_that_is_no_tokenizer_is_refused(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(ModelError, match="is no tokenizer"):
        load_cutter(path, max_tokens=32, overlap=8)
