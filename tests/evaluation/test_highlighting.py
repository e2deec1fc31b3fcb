"""Marks in a passage of text."""

from hypothesis import given
from hypothesis import strategies as st

from clintune.evaluation.highlighting import highlight
from tests.evaluation.documents import TEXT, spans, targets


def shown(text, marked, *, start=0, end=None, agreed=(), subject=None):
    """The passage as plain text with brackets and labels."""
    pieces = highlight(
        text, marked, start=start, end=end or len(text), agreed=frozenset(agreed), subject=subject
    )
    return "".join(
        "[" * len(one.opens) + one.text + "".join(f"]{mark.label}" for mark in one.closes) for one in pieces
    )


def test_nested_spans_close_from_within():
    assert shown("acute renal failure", spans((0, 19, "D"), (6, 11, "A"))) == "[acute [renal]A failure]D"


def test_spans_with_one_beginning_or_one_end_nest_the_shorter_inside():
    assert shown("renal failure", spans((0, 13, "D"), (0, 5, "A"))) == "[[renal]A failure]D"
    assert shown("renal failure", spans((0, 13, "D"), (6, 13, "A"))) == "[renal [failure]A]D"


def test_crossing_spans_are_both_there():
    assert shown("abcdef", spans((0, 4, "X"), (2, 6, "Y"))) == "[ab[cd]Xef]Y"


def test_a_span_that_ends_where_another_begins_closes_first():
    assert shown("abcd", spans((0, 2, "X"), (2, 4, "Y"))) == "[ab]X[cd]Y"


def test_a_discontinuous_span_is_marked_part_by_part():
    (span,) = spans((0, 18, "A", ((4, 14),)))
    pieces = highlight("left and right arm", (span,), start=0, end=18, agreed=frozenset(), subject=span)
    assert [(one.text, [(mark.part, mark.parts) for mark in one.opens]) for one in pieces] == [
        ("left", [(1, 2)]), (" and right", []), (" arm", [(2, 2)]),
    ]  # fmt: skip
    assert all(mark.subject for one in pieces for mark in one.opens)


def test_a_span_that_leaves_the_passage_has_no_bracket_there():
    assert shown("abcdefgh", spans((0, 5, "X")), start=2, end=8) == "cde]Xfgh"


def test_a_piece_is_agreed_where_every_span_over_it_is():
    inner, outer = spans((2, 4, "A")), spans((0, 6, "D"))
    pieces = highlight("abcdef", outer + inner, start=0, end=6, agreed=frozenset(outer), subject=None)
    assert [(one.text, one.depth, one.agreed) for one in pieces] == [
        ("ab", 1, True), ("cd", 2, False), ("ef", 1, True),
    ]  # fmt: skip


@given(targets(), st.integers(0, 40), st.integers(1, 40))
def test_the_pieces_joined_are_the_passage_and_brackets_balance(marked, start, size):
    pieces = highlight(
        TEXT, marked, start=start, end=start + size, agreed=frozenset(marked[:2]), subject=None
    )
    assert "".join(one.text for one in pieces) == TEXT[start : start + size]
    whole = highlight(TEXT, marked, start=0, end=len(TEXT), agreed=frozenset(), subject=None)
    assert sum(len(one.opens) for one in whole) == sum(len(one.closes) for one in whole)
