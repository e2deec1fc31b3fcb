"""Strict counts: exact characters, gaps and label, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clintune.examples import Span
from clintune.tasks.entities.scoring import Counts, strict, strict_scores
from clintune.tasks.scorers import SCORERS

spans = st.builds(
    lambda start, size, label: Span(start, start + size, label),
    st.integers(0, 20), st.integers(1, 5), st.sampled_from("AB"),
)  # fmt: skip
targets = st.frozensets(spans, max_size=6).map(lambda found: tuple(sorted(found)))
corpora = st.lists(st.tuples(targets, targets), max_size=6)


def test_a_span_is_correct_only_if_start_end_gaps_and_label_agree():
    gold = (Span(0, 9, "A", ((3, 5),)),)
    assert strict(gold, gold) == Counts(1, 1, 1)
    for said in (
        Span(1, 9, "A", ((3, 5),)), Span(0, 8, "A", ((3, 5),)), Span(0, 9, "B", ((3, 5),)),
        Span(0, 9, "A"), Span(0, 9, "A", ((3, 6),)),
    ):  # fmt: skip
        assert strict(gold, (said,)) == Counts(0, 1, 1)


def test_gold_that_flat_tags_cannot_say_counts_against_recall():
    nested = (Span(0, 20, "A"), Span(4, 8, "A"))
    assert strict(nested, nested[:1]).recall == 0.5
    assert strict(nested, nested[:1]).precision == 1.0


@pytest.mark.parametrize(
    ("counts", "ratios"),
    [
        (Counts(0, 0, 0), (0.0, 0.0, 0.0)),
        (Counts(0, 0, 3), (0.0, 0.0, 0.0)),
        (Counts(0, 3, 0), (0.0, 0.0, 0.0)),
        (Counts(2, 4, 3), (0.5, 2 / 3, 4 / 7)),
    ],
)
def test_ratios_are_defined_also_where_there_is_nothing_to_divide_by(counts, ratios):
    assert (counts.precision, counts.recall, counts.f1) == ratios


@given(st.lists(targets, min_size=1))
def test_perfect_predictions_score_one(golds):
    scores = strict_scores((gold, gold) for gold in golds)
    assert set(scores.values()) == ({1.0} if any(golds) else {0.0})


@given(corpora)
def test_scores_lie_between_zero_and_one_and_f1_between_precision_and_recall(pairs):
    scores = strict_scores(pairs)
    low, high = sorted((scores["precision"], scores["recall"]))
    assert 0 <= low <= high <= 1
    assert low - 1e-12 <= scores["f1"] <= high + 1e-12


@given(corpora, st.randoms())
def test_the_order_of_documents_does_not_matter(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    assert strict_scores(shuffled) == strict_scores(pairs)


@given(targets, targets)
def test_swapping_gold_and_predictions_swaps_precision_and_recall(gold, predicted):
    there, back = strict(gold, predicted), strict(predicted, gold)
    assert (there.precision, there.recall, there.f1) == (back.recall, back.precision, back.f1)


@given(targets.filter(bool), targets)
def test_a_gold_span_less_lowers_the_divisor_of_recall_by_one_and_never_that_of_precision(gold, predicted):
    whole, fewer = strict(gold, predicted), strict(gold[1:], predicted)
    assert fewer.gold == whole.gold - 1
    assert fewer.predicted == whole.predicted


@given(targets, targets)
def test_a_wrong_span_more_never_raises_any_score(gold, predicted):
    wrong = Span(100, 101, "A")
    before, after = strict(gold, predicted), strict(gold, (*predicted, wrong))
    assert after.precision <= before.precision
    assert after.f1 <= before.f1
    assert after.recall == before.recall


def test_training_validates_with_the_strict_scores_of_the_report():
    assert SCORERS["entities"].score([((Span(0, 1, "A"),), (Span(0, 1, "A"), Span(2, 3, "A")))]) == {
        "precision": 0.5,
        "recall": 1.0,
        "f1": pytest.approx(2 / 3),
    }
