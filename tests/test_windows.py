"""No text is lost between windows, and each token has one owner."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

from clintune.errors import ModelError
from clintune.examples import IGNORED
from clintune.windows import Cutter, Reader, load_cutter
from tests.other_tokenizers import TOKENIZERS, tokenizer
from tests.strategies import CHARACTERS


@given(text=st.text(CHARACTERS, max_size=400), size=st.integers(8, 40), share=st.floats(0, 0.5))
@settings(max_examples=150)
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
@settings(max_examples=100)
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


@pytest.fixture(scope="module")
def beside(cutter_of):
    """The default model's cutter, with a companion that reads single characters."""
    reader = Reader(letters(), prefix=(2,), suffix=(3,), unknown=1, max_tokens=0)

    def make(max_tokens: int, overlap: int, others: int) -> Cutter:
        return replace(cutter_of(max_tokens, overlap), companions=(replace(reader, max_tokens=others),))

    return make


def letters() -> Tokenizer:
    """A tokenizer with a token for each character that is no blank, known or not."""
    tokenizer = Tokenizer(WordLevel({"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Split(Regex(r"\S"), behavior="isolated")
    return tokenizer


@given(text=st.text(CHARACTERS, max_size=300), size=st.integers(8, 30), others=st.integers(4, 40))
@settings(max_examples=200)
def test_a_companion_reads_the_characters_of_each_token_and_no_more_than_it_can(beside, text, size, others):
    cutter = beside(size, size // 4, others)
    tokens = cutter.tokens(text)
    windows = list(cutter.cut("x", tokens, range(len(tokens))))
    owned = [label for window in windows for label in window.labels if label != IGNORED]
    assert owned == list(range(len(tokens)))
    places = [place for place, one in enumerate(text) if not one.isspace()]
    read = 0
    for window in windows:
        (companion,) = window.companions
        assert len(companion.input_ids) <= others
        assert len(companion.firsts) == len(companion.lasts) == len(window.input_ids)
        for start, end, first, last in zip(
            window.starts, window.ends, companion.firsts, companion.lasts, strict=True
        ):
            wanted = [place for place in places if start <= place < end]
            assert last - first <= len(wanted)
            # All of them, but where a token alone is too long.
            assert last - first == len(wanted) or len(wanted) > others - 2
            assert (first, last) == (0, 0) or 1 <= first < last <= len(companion.input_ids) - 1
            read += last - first
    assert read or not tokens


@given(text=st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=60) | st.text(CHARACTERS))
@settings(max_examples=200)
def test_words_of_a_bert_tokenizer_are_its_own(cutter_of, text):
    reader = cutter_of(64, 8).reader
    words = reader.tokenizer.encode(text, add_special_tokens=False).word_ids
    firsts = tuple(not index or words[index] != words[index - 1] for index in range(len(words)))
    assert reader.tokens(text).heads == firsts


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_a_token_lies_where_its_word_does_whatever_the_tokenizer_counts_with_it(kind):
    text = "No chest pain (severe).\n\n 糖尿病 🩺 5 mg/kg"
    tokens = Reader(tokenizer(kind), (0,), (0,), None, 64).tokens(text)
    marked = [text[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True)]
    assert marked == [one.strip() for one in marked]
    first = [start for start, end, head in zip(tokens.starts, tokens.ends, tokens.heads, strict=True)
             if head and start < end]  # fmt: skip
    alone = {place for place, one in enumerate(text) if one in "().糖尿病/"}
    after_blanks = {
        place for place, one in enumerate(text) if not one.isspace() and text[place - 1].isspace()
    }
    assert alone | after_blanks <= set(first)
    assert text.index("est") not in first
