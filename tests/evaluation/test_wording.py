"""Scores in words."""

import pytest

from clintune.evaluation.wording import cautions, describe, in_hundred
from tests.evaluation.documents import evaluation, example, prediction, spans

GOLD = spans((0, 3, "A"))


def some(count, *, gold=GOLD, said=GOLD, score=0.9, train=GOLD, **more):
    pairs = [(example(f"d{i}", gold), prediction(f"d{i}", said, [score] * len(said))) for i in range(count)]
    return evaluation(pairs, train=[example("t", train)], **more)


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "none"), (0.001, "fewer than 1"), (0.826, "about 83"), (0.999, "more than 99"), (1, "all")],
)
def test_shares_are_said_in_hundred(share, words):
    assert in_hundred(share) == words


def test_nothing_is_warned_of_without_need():
    pairs = [(example(f"d{i}", GOLD), prediction(f"d{i}", GOLD if i else ())) for i in range(60)]
    assert cautions(evaluation(pairs, train=[example("t", GOLD)])) == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (some(60), "up to about 3 in 60 mentions"),
        (some(5, said=()), "Test has only 5 groups"),
        (some(30, said=()), "Test has 30 groups"),
        (some(60, gold=(), said=()), "No mention is annotated"),
        (some(60, said=(), inexpressible={"nested": 15}), "a recall of 0.750"),
        (some(60, said=(), train=()), "Train never names these labels of test"),
        (some(12, said=()), "fewer than 20 annotated mentions; one mention moves their scores"),
        (some(120, said=spans((0, 3, "A"), (5, 8, "A"))), "Do not read the model's confidence"),
    ],
)
def test_each_reason_to_doubt_a_score_is_named(found, words):
    assert sum(words in caution for caution in cautions(found)) == 1


def test_the_description_of_a_run_leads_with_the_headline():
    text = describe(some(60, gold=spans((0, 3, "A"), (5, 9, "B|<b>")), said=GOLD))
    assert text.startswith("**Strict F1 0.667**, 95% interval".replace("95", "90"))
    assert r"| B\|\<b\> | 0.000 | 0.000 | 0.000 | 60 |" in text
