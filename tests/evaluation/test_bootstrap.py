"""Intervals: equal to a slow bootstrap, and they cover what they say."""

import numpy as np
import pytest

from clintune.evaluation import bootstrap
from clintune.evaluation.bootstrap import GroupCounts, interval, ratios, resample

KEY = ("strict",)


def table(counts):
    return GroupCounts(np.arange(len(counts)), np.asarray(counts, dtype=np.int64))


def some_counts(generator, groups):
    """Correct, predicted and gold per group; groups differ in size and in how hard they are."""
    gold = generator.poisson(6, groups) + 1
    predicted = generator.poisson(5, groups) + 1
    found = generator.binomial(np.minimum(gold, predicted), generator.beta(6, 2, groups))
    return np.column_stack([found, predicted, gold])


def test_it_equals_drawing_groups_one_by_one_and_adding_them_up():
    counts = some_counts(np.random.default_rng(1), 23).tolist()
    drawn = np.random.default_rng(5)
    slow = []
    for _ in range(40):
        chosen = [counts[index] for index in drawn.integers(23, size=23)]
        correct, predicted, gold = (sum(column) for column in zip(*chosen, strict=True))
        slow.append((correct / predicted, correct / gold, 2 * correct / (predicted + gold)))
    fast = ratios(resample({KEY: table(counts)}, groups=23, resamples=40, seed=5)[KEY])
    assert np.array_equal(np.column_stack(list(fast.values())), np.array(slow))


def test_an_interval_holds_the_middle_of_the_values():
    found = interval(np.arange(101) / 100, level=0.9)
    assert (found.low, found.high) == (pytest.approx(0.05), pytest.approx(0.95))


def test_resamples_without_a_score_are_left_out():
    assert interval(np.array([np.nan, 0.5, np.nan]), level=0.9) == bootstrap.Interval(0.5, 0.5)
    assert interval(np.full(3, np.nan), level=0.9) is None


def test_how_many_draws_are_held_at_once_does_not_matter(monkeypatch):
    tables = {KEY: table(some_counts(np.random.default_rng(1), 31))}
    whole = resample(tables, groups=31, resamples=25, seed=3)[KEY]
    monkeypatch.setattr(bootstrap, "_CELLS_AT_ONCE", 70)
    assert np.array_equal(resample(tables, groups=31, resamples=25, seed=3)[KEY], whole)


def test_all_scores_are_resampled_together():
    """A score of some groups is taken from the same draws as the whole: here both are the same."""
    counts = some_counts(np.random.default_rng(1), 12)
    counts[4:] = 0
    tables = {("whole",): table(counts), ("part",): GroupCounts(np.arange(4), counts[:4])}
    totals = resample(tables, groups=12, resamples=30, seed=3)
    assert np.array_equal(totals["whole",], totals["part",])


def covered(groups, *, truth, generator, documents_apart):
    """Whether the interval of one simulated test set holds the truth."""
    counts = groups.sum(axis=1) if not documents_apart else groups.reshape(-1, 3)
    totals = resample({KEY: table(counts)}, groups=len(counts), resamples=150, seed=generator.integers(2**31))
    found = interval(ratios(totals[KEY])["f1"], level=0.9)
    return found.low <= truth <= found.high


def test_intervals_cover_the_truth_as_often_as_they_say_but_not_if_patients_are_torn_apart():
    generator = np.random.default_rng(11)
    mentions, notes, patients, sets = 8, 6, 60, 250
    hard = generator.beta(2, 1, (sets, patients, 1))
    found = generator.binomial(mentions, np.broadcast_to(hard, (sets, patients, notes)))
    counts = np.stack([found, np.full_like(found, mentions), np.full_like(found, mentions)], axis=-1)
    truth = 2 / 3  # the mean of beta(2, 1); predicted and gold are as many, so F1 is recall
    together, apart = (
        np.mean([covered(one, truth=truth, generator=generator, documents_apart=tear) for one in counts])
        for tear in (False, True)
    )
    assert 0.85 <= together <= 0.95
    assert apart < 0.7
