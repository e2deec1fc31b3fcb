"""Documents with gold and predictions, made by hand or at random."""

import string

from hypothesis import strategies as st

from clintune.evaluation.counting import Judged
from clintune.evaluation.matching import pair
from clintune.evaluation.measuring import measure
from clintune.evaluation.mentions import mentions
from clintune.examples import Example, Prediction, Span
from clintune.params import Evaluate

SECTION = Evaluate(batch_tokens=1, resamples=50, level=0.9, shareable=True, shown=5, baselines=())
TEXT = (string.ascii_lowercase + " ") * 3


def spans(*places):
    """(start, end, label) or (start, end, label, gaps) each."""
    return tuple(sorted(Span(*one) for one in places))


def example(id_, gold=(), *, text=TEXT, group=None, **attributes):
    return Example(id_, group or id_, text, tuple(gold), attributes)


def prediction(id_, predicted=(), scores=None):
    return Prediction(id_, tuple(predicted), tuple(scores or [0.9] * len(predicted)))


def judged(gold, predicted, *, text=TEXT, **attributes):
    return Judged(
        example("one", gold, text=text, **attributes), prediction("one", predicted), pair(gold, predicted)
    )


def evaluation(documents, *, train=(), section=SECTION, inexpressible=None):
    """Of (example, prediction) pairs."""
    return measure(
        section,
        seed=17,
        examples=[document for document, _ in documents],
        predictions=[said for _, said in documents],
        known=mentions(train),
        inexpressible=inexpressible or {},
    )


@st.composite
def targets(draw, *, gaps=True, labels="AB", most=6):
    """Spans anywhere in TEXT, nested and crossing."""
    found = set()
    for _ in range(draw(st.integers(0, most))):
        start = draw(st.integers(0, 30))
        size = draw(st.integers(1, 8))
        gap = ((start + 1, start + 2),) if gaps and size > 2 and draw(st.integers(0, 4)) == 0 else ()
        found.add(Span(start, start + size, draw(st.sampled_from(labels)), gap))
    return tuple(sorted(found))


@st.composite
def documents(draw, *, most=8):
    """(example, prediction) pairs: some of the gold found, some not, some more said."""
    pairs = []
    for number in range(draw(st.integers(1, most))):
        gold = draw(targets())
        said = tuple(sorted({*draw(targets(most=2)), *(span for span in gold if draw(st.booleans()))}))
        scores = [draw(st.floats(0, 1, width=32)) for _ in said]
        group = draw(st.sampled_from(["p", "q", "r"]))
        one = example(f"d{number}", gold, group=group, sex=draw(st.sampled_from("FM")))
        pairs.append((one, prediction(f"d{number}", said, scores)))
    return pairs
