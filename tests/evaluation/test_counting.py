"""What one document adds to each score."""

from hypothesis import given

from clintune.evaluation.counting import Tally, counts
from clintune.tasks.entities.scoring import Counts
from tests.evaluation.documents import judged, spans, targets


def counted(document, known=frozenset()):
    return dict(counts(document, known))


def test_each_measure_forgives_what_its_name_says():
    found = counted(
        judged(
            spans((0, 10, "A"), (12, 20, "A"), (30, 34, "A"), (40, 44, "A")),
            spans((0, 10, "A"), (12, 18, "A"), (30, 34, "B"), (50, 54, "B")),
        )
    )
    assert found["strict",] == Counts(1, 4, 4)
    assert found["boundary",] == Counts(2, 4, 4)
    assert found["relaxed",] == Counts(2, 4, 4)
    assert found["characters",] == Counts(16, 24, 26)
    assert found["label", "A"] == Counts(1, 2, 4)
    assert found["label", "B"] == Counts(0, 2, 0)


def test_tokens_are_never_counted_as_entities():
    """A published card counted 103,336 "entities" where the test set has about 5,385: each token was one."""
    gold = spans((0, 5, "Chemical"), (6, 26, "Chemical"))
    found = counted(judged(gold, spans((0, 5, "Chemical"), (6, 25, "Chemical"))))
    assert found["strict",] == Counts(1, 2, 2)
    assert found["characters",] == Counts(24, 24, 25)
    assert found["characters",].f1 > 0.97 > found["strict",].f1 == 0.5


def test_seen_and_unseen_are_told_apart_by_words_and_label():
    gold, predicted = spans((0, 3, "A"), (5, 8, "A"), (10, 13, "A")), spans((0, 3, "A"), (5, 8, "B"))
    found = counted(judged(gold, predicted), known={("abc", "A"), ("fgh", "B")})
    assert found["seen",] == Counts(1, 2, 1)
    assert found["unseen",] == Counts(0, 0, 2)


def test_a_document_counts_for_each_of_its_attributes():
    found = counted(judged(spans((0, 3, "A")), (), sex="F", site="North"))
    assert found["subgroup", "sex", "F"] == found["subgroup", "site", "North"] == found["strict",]


@given(targets(), targets())
def test_forgiving_more_never_scores_less(gold, predicted):
    found = counted(judged(gold, predicted))
    strict, relaxed, boundary = (found[name,] for name in ("strict", "relaxed", "boundary"))
    assert strict.correct <= min(relaxed.correct, boundary.correct)
    assert max(relaxed.correct, boundary.correct) <= min(len(gold), len(predicted))


@given(targets(), targets())
def test_labels_add_up_to_the_whole_and_so_do_seen_and_unseen(gold, predicted):
    found = counted(judged(gold, predicted), known={("abc", "A"), ("abcd", "B")})
    by_label = [one for key, one in found.items() if key[0] == "label"]
    assert sum(by_label, Counts()) == found["seen",] + found["unseen",] == found["strict",]


@given(targets())
def test_all_measures_are_perfect_for_perfect_predictions(gold):
    found = counted(judged(gold, gold))
    assert all(one.correct == one.predicted == one.gold for one in found.values())


def test_a_tally_adds_up_documents_of_a_group_and_numbers_groups_by_name():
    tally = Tally()
    for group, correct in (("q", 1), ("p", 2), ("q", 3)):
        tally.add(group, [(("strict",), Counts(correct, 5, 5))])
    table = tally.tables()["strict",]
    assert table.groups.tolist() == [0, 1]
    assert table.counts.tolist() == [[2, 5, 5], [4, 10, 10]]
    assert tally.documents() == {("strict",): 3}
