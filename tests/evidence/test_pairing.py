"""Two models on the same documents, and texts line by line: pure functions."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clintune.evidence.changes import pairing
from clintune.evidence.changes.pairing import MEASURES, pair
from clintune.evidence.changes.texts import counts, hunks
from clintune.examples import Span
from clintune.tasks.scorers import SCORERS

LINES = st.lists(st.sampled_from(["a = 1", "b = 2", "", "    return a"]), max_size=12)


def answers(seed: int, *, groups: int, better: float) -> list[tuple[str, str, str, str]]:
    """Group, gold, and two answers: B is right where A is wrong with this probability."""
    dice = np.random.default_rng(seed)
    found = []
    for number in range(groups * 3):
        right = dice.random() < 0.5
        now = right or dice.random() < better
        found.append((f"g{number // 3}", "x", "x" if right else "y", "x" if now else "y"))
    return found


@pytest.mark.parametrize(
    ("task", "gold", "said"),
    [
        ("entities", ((Span(0, 3, "A"), Span(4, 6, "B")), ()), ((Span(0, 3, "A"),), (Span(1, 2, "A"),))),
        ("classification", ("A", "B", "A"), ("A", "A", "A")),
        ("multilabel", (("A", "B"), ("C",), ()), (("A",), ("B", "C"), ())),
        ("regression", ((1.0, None), (2.0, 5.0)), ((1.5, 3.0), (2.0, 4.0))),
    ],
)
def test_the_score_of_a_pairing_is_that_of_the_task(task, gold, said):
    """The gold itself is perfect, so the difference to it tells the score."""
    documents = [("g", one, other, one) for one, other in zip(gold, said, strict=True)]
    found = pair(MEASURES[task], documents, level=0.95, seed=1).difference
    name = {"entities": "f1"}.get(task, MEASURES[task].score)
    score = {end: SCORERS[task].score(zip(gold, side, strict=True))[name] for end, side in
             (("was", said), ("now", gold))}  # fmt: skip
    assert found == pytest.approx(score["now"] - score["was"], abs=1e-6)


def test_a_clear_gain_has_an_interval_above_zero_and_a_small_p():
    found = pair(MEASURES["classification"], answers(1, groups=40, better=0.8), level=0.95, seed=7)
    assert found.low > 0.2
    assert found.low < found.difference < found.high
    assert found.p == pytest.approx(1 / (1 + pairing.RESAMPLES), abs=1e-6)


def test_without_a_difference_zero_lies_inside_and_p_is_one():
    found = pair(MEASURES["classification"], answers(1, groups=40, better=0.0), level=0.95, seed=7)
    assert (found.low, found.difference, found.high, found.p) == (0, 0, 0, 1)


def test_the_order_of_documents_does_not_matter_and_the_seed_does():
    documents = answers(3, groups=15, better=0.2)
    one = pair(MEASURES["classification"], documents, level=0.9, seed=5)
    assert pair(MEASURES["classification"], documents[::-1], level=0.9, seed=5) == one
    assert pair(MEASURES["classification"], documents, level=0.9, seed=6) != one


def test_both_ways_round_the_difference_turns_its_sign_and_p_stays():
    documents = answers(3, groups=15, better=0.2)
    back = [(group, gold, now, was) for group, gold, was, now in documents]
    one, other = (pair(MEASURES["classification"], both, level=0.9, seed=5) for both in (documents, back))
    assert (other.difference, other.p) == (-one.difference, one.p)
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low), abs=1e-6)


def test_p_is_close_to_that_of_all_swaps():
    gains = (2, -1, 1, 1, 0, 2, -1, 1, 0, -1)
    documents = [
        (f"g{group}", "x", "y" if gain > 0 else "x", "x" if gain > 0 else "y")
        for group, gain in enumerate(gains)
        for _ in range(abs(gain))
    ] + [(f"g{group}", "x", "x", "x") for group in range(10)]
    found = pair(MEASURES["classification"], documents, level=0.95, seed=5)
    swaps = [abs(sum(sign * gain for sign, gain in zip(signs, gains, strict=True)))
             for signs in product((-1, 1), repeat=10)]  # fmt: skip
    exact = sum(one >= abs(sum(gains)) for one in swaps) / len(swaps)
    assert found.p == pytest.approx(exact, abs=0.03)
    assert 0.1 < exact < 0.9


def test_with_too_few_groups_there_is_a_difference_without_an_interval():
    found = pair(MEASURES["classification"], answers(1, groups=9, better=0.8), level=0.95, seed=7)
    assert found.difference > 0
    assert (found.low, found.high, found.p) == (None, None, None)


@given(LINES, LINES)
def test_hunks_lead_from_one_text_to_the_other(old, new):
    found = hunks("\n".join(old).encode(), "\n".join(new).encode())
    made, before, after = [], "\n".join(old).splitlines(), "\n".join(new).splitlines()
    place = 0
    for one in found:
        kept = one.line - 1 - len(made)
        made += before[place : place + kept]
        place += kept
        assert tuple(before[place : place + len(one.old)]) == one.old
        place += len(one.old)
        made += one.new
    assert [*made, *before[place:]] == after
    added, removed = counts(found)
    assert added - removed == len(after) - len(before)


def test_a_hunk_is_one_line_with_the_place_in_the_new_text():
    [one] = hunks(b"a\nb\nc\n", b"a\nx\ny\nc\n")
    assert str(one) == "2: - b / + x (and 1 more)"
