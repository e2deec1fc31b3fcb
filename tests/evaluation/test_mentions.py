"""Which mentions count as seen."""

from clintune.evaluation.mentions import mention, mentions
from clintune.examples import Span
from tests.evaluation.documents import example, spans


def test_case_and_runs_of_blanks_do_not_make_a_mention_new():
    text = "Renal\n Failure, renal failure"
    assert mention(text, Span(0, 14, "A")) == mention(text, Span(16, 29, "A")) == ("renal failure", "A")


def test_the_same_words_with_another_label_are_another_mention():
    assert mentions([example("one", spans((0, 3, "A"), (0, 3, "B")))]) == {("abc", "A"), ("abc", "B")}


def test_a_discontinuous_mention_is_known_by_its_parts():
    assert mention("left and right arm", Span(0, 18, "A", ((4, 14),))) == ("left arm", "A")
