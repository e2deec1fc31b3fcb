"""Encode and decode are inverses; what cannot be said is counted by name."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clintune.batching import predict
from clintune.checkpoints import Outputs
from clintune.examples import IGNORED, Example, Prediction, Span, Spans
from clintune.tasks.codecs import CODECS
from clintune.tasks.entities.intake import check_spans
from clintune.windows import Cutter, Reader
from tests.other_tokenizers import TOKENIZERS, tokenizer
from tests.strategies import LABELS, texts_with_spans

CODEC = CODECS["entities"]
CutterOf = Callable[[int, int], Cutter]


def perfect(example: Example[Spans], cutter: Cutter, scheme: str) -> tuple[Prediction[Spans], Counter[str]]:
    """The prediction of a model whose outputs are the labels."""
    labels = CODEC.labels(LABELS, scheme)
    tokens = cutter.tokens(example.text)
    tags, lost = CODEC.label(example, tokens, labels)
    windows = list(cutter.cut(example.id, tokens, tags))
    outputs = Outputs("entities", labels, cutter.reader.max_tokens, cutter.overlap)

    def forward(batch):
        logits = np.zeros((*batch.labels.shape, len(labels)), dtype=np.float32)
        owned = batch.labels != IGNORED
        logits[owned, batch.labels[owned]] = 30
        return logits

    (prediction,) = predict(windows, forward, outputs, batch_tokens=64)
    return prediction, lost


@pytest.mark.parametrize("scheme", ["bio", "bioes"])
@given(example=texts_with_spans(), size=st.integers(10, 40))
@settings(max_examples=150)
def test_perfect_outputs_decode_to_every_span_that_tags_can_say(cutter_of, scheme, example, size):
    prediction, lost = perfect(example, cutter_of(size, size // 3), scheme)
    missed = set(example.target) - set(prediction.target)
    assert len(missed) == sum(lost.values())


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(example=texts_with_spans(), size=st.integers(10, 40))
@settings(max_examples=100)
def test_the_same_holds_for_tokenizers_that_know_no_words_but_between_blanks(kind, example, size):
    cutter = Cutter(Reader(tokenizer(kind), (0,), (0,), None, size), size // 3)
    prediction, lost = perfect(example, cutter, "bio")
    assert len(set(example.target) - set(prediction.target)) == sum(lost.values())
    assert check_spans(Example("one", "one", example.text, prediction.target)) is None


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_a_mention_beside_punctuation_or_between_chinese_characters_can_be_said(kind):
    text = "No chest pain (severe).\n\n有糖尿病史, aspirin"
    said = ("chest pain", "severe", "糖尿病", "aspirin")
    spans = tuple(Span(text.index(one), text.index(one) + len(one), "Drug") for one in said)
    cutter = Cutter(Reader(tokenizer(kind), (0,), (0,), None, 64), 16)
    prediction, lost = perfect(Example("a", "a", text, spans), cutter, "bioes")
    assert (prediction.target, lost) == (spans, {})


@given(example=texts_with_spans())
@settings(max_examples=100)
def test_the_size_of_windows_does_not_change_what_perfect_outputs_say(cutter_of, example):
    small, _ = perfect(example, cutter_of(12, 5), "bio")
    large, _ = perfect(example, cutter_of(512, 0), "bio")
    assert small.target == large.target


def reasons(cutter_of: CutterOf, text: str, *spans: Span) -> dict[str, int]:
    tokens = cutter_of(64, 8).tokens(text)
    _, lost = CODEC.label(Example("a", "a", text, spans), tokens, CODEC.labels(LABELS, "bio"))
    return dict(lost)


def test_a_nested_span_is_counted_and_the_outer_one_kept(cutter_of):
    text = "lung cancer cells"
    assert reasons(cutter_of, text, Span(0, 4, "Drug"), Span(0, 11, "Disease")) == {"nested": 1}


def test_a_discontinuous_span_is_counted(cutter_of):
    text = "breast and ovarian cancer"
    assert reasons(cutter_of, text, Span(0, 25, "Disease", ((7, 18),))) == {"discontinuous": 1}


def test_a_border_inside_a_word_is_counted(cutter_of):
    assert reasons(cutter_of, "tumours", Span(0, 5, "Disease")) == {"inside_word": 1}


def test_a_border_on_a_blank_is_counted(cutter_of):
    assert reasons(cutter_of, "a tumour b", Span(1, 8, "Disease")) == {"loose_border": 1}


def test_a_span_of_blanks_only_is_counted(cutter_of):
    assert reasons(cutter_of, "a  b", Span(1, 3, "Disease")) == {"no_token": 1}


def test_adjacent_mentions_of_one_label_stay_apart(cutter_of):
    example = Example("a", "a", "ab-cd", (Span(0, 2, "Drug"), Span(2, 3, "Drug"), Span(3, 5, "Drug")))
    prediction, lost = perfect(example, cutter_of(64, 8), "bio")
    assert prediction.target == example.target
    assert not lost


@pytest.mark.parametrize("scheme", ["bio", "bioes"])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=200)
def test_any_outputs_decode_to_legal_disjoint_spans_of_whole_words(cutter_of, scheme, seed):
    text = "Severe asthma, chest pain/dyspnoea; aspirin 100 mg (2x) denied."
    tokens = cutter_of(64, 8).tokens(text)
    labels = CODEC.labels(LABELS, scheme)
    logits = np.random.default_rng(seed).normal(size=(len(tokens), len(labels))).astype(np.float32)
    prediction = CODEC.spans("a", tokens, logits, labels)
    assert check_spans(Example("a", "a", text, prediction.target)) is None
    assert all(
        one.end <= two.start for one, two in zip(prediction.target, prediction.target[1:], strict=False)
    )
    assert all(0 <= score <= 1 for score in prediction.scores)
    heads = {start for start, head in zip(tokens.starts, tokens.heads, strict=True) if head}
    assert {span.start for span in prediction.target} <= heads


def test_an_illegal_tag_sequence_is_repaired_as_a_whole_not_greedily(cutter_of):
    """I-Drug alone is likeliest on each word, and illegal: the best legal path begins with B-Drug."""
    tokens = cutter_of(64, 8).tokens("alpha beta")
    labels = CODEC.labels(["Drug"], "bio")
    rows = [[0.0, 1.0, 2.0]] * len(tokens)
    prediction = CODEC.spans("a", tokens, np.array(rows, dtype=np.float32), labels)
    assert prediction.target == (Span(0, 10, "Drug"),)


@pytest.mark.parametrize(
    ("span", "reason"),
    [
        (Span(2, 2, "Drug"), "span_empty"),
        (Span(0, 99, "Drug"), "span_outside_text"),
        (Span(-1, 2, "Drug"), "span_outside_text"),
        (Span(0, 4, "Drug", ((3, 9),)), "gap_outside_span"),
        (Span(0, 4, "Drug", ((2, 1),)), "gap_outside_span"),
    ],
)
def test_an_illegal_span_has_a_reason(span, reason):
    assert check_spans(Example("a", "a", "aspirin", (span,))) == reason
