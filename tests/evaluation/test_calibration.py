"""Confidence against what was right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clintune.evaluation.calibration import BINS, Bin, Confidence

scored = st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), max_size=30)


def reliability(spans):
    confidence = Confidence()
    confidence.add([score for score, _ in spans], [right for _, right in spans])
    return confidence.reliability()


def test_bins_hold_how_many_how_many_correct_and_the_mean_score():
    found = reliability([(0.25, True), (0.29, False), (0.95, True)])
    assert found.bins == (
        Bin(0.2, 0.3, predicted=2, correct=1, confidence=0.27),
        Bin(0.9, 1.0, predicted=1, correct=1, confidence=0.95),
    )


def test_errors_by_hand():
    found = reliability([(0.25, True), (0.29, False), (0.95, True)])
    assert found.ece == pytest.approx((2 * abs(0.5 - 0.27) + 0.05) / 3)
    assert found.brier == pytest.approx((0.75**2 + 0.29**2 + 0.05**2) / 3)


def test_full_certainty_falls_into_the_last_bin():
    assert [one.low for one in reliability([(1.0, True), (0.0, False)]).bins] == [0.0, 0.9]


def test_certain_and_right_is_perfect():
    found = reliability([(1.0, True), (0.0, False)] * 5)
    assert (found.ece, found.brier) == (0, 0)


def test_nothing_said_is_nothing_wrong():
    found = reliability([])
    assert (found.bins, found.ece, found.brier) == ((), 0, 0)


@given(scored)
def test_each_span_is_in_one_bin_and_both_errors_lie_between_zero_and_one(spans):
    found = reliability(spans)
    assert sum(one.predicted for one in found.bins) == len(spans)
    assert len(found.bins) <= BINS
    assert all(one.low - 1e-9 <= one.confidence <= one.high for one in found.bins)
    assert 0 <= found.ece <= 1
    assert 0 <= found.brier <= 1


@given(scored, st.randoms())
def test_the_order_does_not_matter_to_the_last_bit(spans, random):
    assert reliability(random.sample(spans, len(spans))) == reliability(spans)
