"""The errors that a report shows."""

from collections import Counter

from clintune.evaluation.counting import Judged
from clintune.evaluation.errors import CONTEXT, LONGEST, Errors
from clintune.evaluation.matching import pair
from clintune.examples import Span
from tests.evaluation.documents import example, judged, prediction, spans


def errors(documents, *, shown=6, seed=1, shareable=True):
    found = Errors(seed=seed, shown=shown, shareable=shareable)
    for document in documents:
        found.add(document)
    return found


def document(id_, gold, predicted, *, text):
    return Judged(example(id_, gold, text=text), prediction(id_, predicted), pair(gold, predicted))


def missed_often_and_one_spurious():
    text = "word " * 20
    yield document("s", (), spans((0, 4, "A")), text=text)
    for number in range(30):
        yield document(f"m{number}", spans((5, 9, "A")), (), text=text)


def test_each_kind_has_its_place_however_rare():
    shown = errors(missed_often_and_one_spurious()).shown()
    assert Counter(error.kind for error in shown) == {"missed": 5, "spurious": 1}


def test_the_sample_depends_on_the_seed_and_not_on_the_order():
    documents = list(missed_often_and_one_spurious())
    assert errors(documents[::-1]).shown() == errors(documents).shown()
    assert errors(documents, seed=2).shown() != errors(documents).shown()


def test_a_smaller_sample_is_part_of_a_larger_one():
    documents = list(missed_often_and_one_spurious())
    assert set(errors(documents, shown=3).shown()) < set(errors(documents, shown=9).shown())


def test_none_are_shown_where_none_are_wanted():
    assert errors(missed_often_and_one_spurious(), shown=0).shown() == ()


def test_texts_stay_out_unless_declared_shareable():
    gold = spans((0, 3, "A"))
    (error,) = errors([judged(gold, gold), judged(gold, ())], shareable=False).shown()
    assert error.passage is None
    assert (error.record, error.kind, error.gold) == ("1", "missed", Span(0, 3, "A"))


def test_an_error_is_named_by_its_record_where_that_may_be_shown():
    (error,) = errors([judged(spans((0, 3, "A")), ())]).shown()
    assert error.record == "one"


def test_a_passage_is_short_and_begins_and_ends_with_whole_words():
    text = "lorem ipsum " * 500
    (error,) = errors([document("d", spans((3000, 3005, "A")), (), text=text)]).shown()
    passage = "".join(piece.text for piece in error.passage.gold)
    assert passage == "".join(piece.text for piece in error.passage.predicted)
    assert 5 + CONTEXT < len(passage) <= 5 + 2 * CONTEXT
    assert set(passage.split()) == {"lorem", "ipsum"}
    assert error.passage.before
    assert error.passage.after


def test_a_very_long_mention_is_cut():
    (error,) = errors([document("d", spans((100, 9000, "A")), (), text="x" * 10_000)]).shown()
    assert sum(len(piece.text) for piece in error.passage.gold) <= LONGEST


def test_every_pair_is_counted():
    found = errors([judged(spans((0, 3, "A"), (5, 9, "A")), spans((0, 3, "B"), (20, 22, "B")))])
    assert found.kinds == {"wrong_label": 1, "missed": 1, "spurious": 1}
    assert found.confusion == {("A", "B"): 1, ("A", None): 1, (None, "B"): 1}
