"""Gold and predicted spans in pairs."""

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given

from clintune.evaluation.matching import Pair, pair, share_characters
from clintune.examples import Span
from tests.evaluation.documents import spans, targets


@pytest.mark.parametrize(
    ("gold", "predicted", "kind"),
    [
        ((3, 9, "A"), (3, 9, "A"), "correct"),
        ((3, 9, "A"), (3, 8, "A"), "wrong_boundary"),
        ((3, 9, "A"), (3, 9, "B"), "wrong_label"),
        ((3, 9, "A"), (8, 12, "B"), "wrong_both"),
        ((3, 9, "A", ((4, 6),)), (3, 9, "A"), "wrong_boundary"),
    ],
)
def test_a_pair_is_named_by_what_differs(gold, predicted, kind):
    (found,) = pair(spans(gold), spans(predicted))
    assert found.kind == kind


def test_spans_that_touch_or_lie_in_a_gap_are_missed_and_spurious():
    assert [one.kind for one in pair(spans((0, 4, "A")), spans((4, 8, "A")))] == ["missed", "spurious"]
    in_gap = pair(spans((0, 9, "A", ((3, 6),))), spans((3, 6, "A")))
    assert [one.kind for one in in_gap] == ["missed", "spurious"]


def test_an_equal_span_is_taken_before_one_that_overlaps():
    gold, predicted = spans((0, 6, "A"), (5, 15, "A")), spans((5, 15, "A"))
    assert pair(gold, predicted) == (Pair(gold[0], None), Pair(gold[1], predicted[0]))


def test_a_span_of_the_same_label_is_taken_before_the_same_place():
    gold, predicted = spans((0, 5, "A")), spans((0, 5, "B"), (3, 8, "A"))
    assert Counter(one.kind for one in pair(gold, predicted)) == {"wrong_boundary": 1, "spurious": 1}


def test_one_long_span_stands_for_one_gold_span_only():
    gold = spans((0, 4, "A"), (5, 9, "A"))
    assert [one.kind for one in pair(gold, spans((0, 9, "A")))] == ["wrong_boundary", "missed"]


@given(targets(), targets())
def test_every_span_is_in_exactly_one_pair(gold, predicted):
    pairs = pair(gold, predicted)
    assert sorted(one.gold for one in pairs if one.gold) == list(gold)
    assert sorted(one.predicted for one in pairs if one.predicted) == list(predicted)


@given(targets(), targets())
def test_what_is_left_over_overlaps_nothing_left_on_the_other_side(gold, predicted):
    pairs = pair(gold, predicted)
    missed = [one.gold for one in pairs if one.predicted is None]
    spurious = [one.predicted for one in pairs if one.gold is None]
    assert not any(share_characters(wanted, said) for wanted in missed for said in spurious)


@given(targets(gaps=False, labels="A", most=5), targets(gaps=False, labels="A", most=5))
def test_after_equal_spans_as_many_pairs_are_made_as_can_be(gold, predicted):
    left_gold = [span for span in gold if span not in predicted]
    left_predicted = [span for span in predicted if span not in gold]
    made = sum(one.kind == "wrong_boundary" for one in pair(gold, predicted))
    assert made == most_pairs(left_gold, left_predicted)


def most_pairs(gold, predicted):
    """By trying every order."""
    short, long = sorted((gold, predicted), key=len)
    return max(
        sum(share_characters(one, other) for one, other in zip(short, order, strict=True))
        for order in permutations(long, len(short))
    )


def test_thousands_of_wrong_spans_in_one_document_take_no_time():
    gold = tuple(Span(10 * index, 10 * index + 8, "A") for index in range(5000))
    predicted = tuple(Span(10 * index + 5, 10 * index + 12, "A") for index in range(5000))
    assert Counter(one.kind for one in pair(gold, predicted)) == {"wrong_boundary": 5000}
