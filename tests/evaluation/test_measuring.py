"""All scores of a test split."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clintune.evaluation.bootstrap import FEWEST_GROUPS
from clintune.evaluation.outputs import metrics
from clintune.evaluation.results import FEWEST_MENTIONS
from tests.evaluation.documents import documents, evaluation, example, prediction, spans

A, B = spans((0, 3, "A"), (5, 8, "B"))


def many(count, *, per_group=1, wrong_every=4, **attributes):
    """Documents with two gold spans; in every so-many-th one of them is missed."""
    return [
        (
            example(f"d{index}", (A, B), group=f"g{index // per_group}", **attributes),
            prediction(f"d{index}", (A,) if index % wrong_every == 0 else (A, B)),
        )
        for index in range(count)
    ]


def test_scores_by_hand():
    found = evaluation(many(40))
    assert found.strict.counts.recall == 70 / 80
    assert (found.labels["A"].counts.f1, found.labels["B"].counts.recall) == (1.0, 0.75)
    assert found.macro.recall == (1 + 0.75) / 2
    assert found.strict.documents == found.strict.groups == 40
    assert found.kinds == {"correct": 70, "missed": 10}
    assert found.confusion == {("A", "A"): 40, ("B", "B"): 30, ("B", None): 10}


def test_the_interval_holds_the_score():
    found = evaluation(many(40))
    for score in (found.strict, found.labels["B"], found.scores["relaxed"]):
        for ratio, interval in score.intervals.items():
            assert interval.low <= getattr(score.counts, ratio) <= interval.high
    assert found.macro.interval.low <= found.macro.f1 <= found.macro.interval.high


def test_an_interval_of_patients_is_wider_than_one_of_their_documents():
    alone = evaluation(many(80)).strict.intervals["recall"]
    grouped = evaluation(
        many(80, per_group=4, wrong_every=1)[:40] + many(80, per_group=4, wrong_every=99)[40:]
    )
    together = grouped.strict.intervals["recall"]
    assert together.high - together.low > alone.high - alone.low


def test_no_interval_is_said_from_few_groups():
    assert not evaluation(many(90, per_group=10)).strict.intervals
    assert evaluation(many(90, per_group=10)).macro.interval is None
    assert evaluation(many(FEWEST_GROUPS)).strict.intervals


def test_a_label_in_few_groups_has_a_score_but_no_interval():
    found = evaluation([*many(40), (example("rare", spans((0, 3, "R"))), prediction("rare"))])
    assert found.labels["R"].counts.gold == 1
    assert not found.labels["R"].intervals
    assert found.labels["A"].intervals


def test_a_subgroup_needs_mentions_enough():
    found = evaluation(
        [*many(20, sex="F"), *((example(f"m{i}", (A,), sex="M"), prediction(f"m{i}")) for i in range(5))]
    )
    assert found.subgroups["sex"]["F"].enough
    assert found.subgroups["sex"]["F"].counts.gold >= FEWEST_MENTIONS
    assert not found.subgroups["sex"]["M"].enough


def test_labels_that_train_never_names_are_reported():
    found = evaluation(many(4), train=[example("t", (A,))])
    assert found.untaught == ("B",)


def test_a_label_that_only_the_model_uses_counts_in_the_macro_mean():
    found = evaluation([(example("d", (A,)), prediction("d", spans((0, 3, "A"), (9, 12, "X"))))])
    assert found.labels["X"].counts.gold == 0
    assert found.macro.f1 == 0.5


def test_predictions_of_other_documents_are_refused():
    with pytest.raises(ValueError, match="where 'd' is due"):
        evaluation([(example("d", (A,)), prediction("e", (A,)))])
    with pytest.raises(ValueError, match="shorter"):
        evaluation_of_unequal_length()


def evaluation_of_unequal_length():
    from clintune.evaluation.measuring import measure
    from tests.evaluation.documents import SECTION

    return measure(
        SECTION,
        seed=1,
        examples=[example("d"), example("e")],
        predictions=[prediction("d")],
        known=frozenset(),
        inexpressible={},
    )


@settings(max_examples=40)
@given(documents(), st.randoms())
def test_the_order_of_documents_changes_no_number(pairs, random):
    shuffled = evaluation(random.sample(pairs, len(pairs)))
    assert metrics(shuffled) == metrics(evaluation(pairs))
    assert shuffled.shown == evaluation(pairs).shown


def test_the_order_of_documents_changes_no_interval():
    pairs = many(60, per_group=2, wrong_every=3)
    assert metrics(evaluation(pairs[::-1])) == metrics(evaluation(pairs))


def test_the_seed_moves_the_interval_and_nothing_else():
    from clintune.evaluation.measuring import measure
    from tests.evaluation.documents import SECTION

    pairs = many(60, wrong_every=3)
    one, other = (
        measure(
            SECTION,
            seed=seed,
            examples=[document for document, _ in pairs],
            predictions=[said for _, said in pairs],
            known=frozenset(),
            inexpressible={},
        )
        for seed in (1, 2)
    )
    assert one.strict.counts == other.strict.counts
    assert one.strict.intervals != other.strict.intervals
