"""Random texts and targets for property tests."""

from hypothesis import strategies as st

from clintune.examples import Example, Span, Spans

LABELS = ("Disease", "Drug")
# Case, digits, punctuation, accents, Chinese, an emoji, and blanks that tokenizers treat each in its way.
CHARACTERS = "aZ é9-.,'/()\t\n 　中文🩺βcell"


@st.composite
def texts_with_spans(draw: st.DrawFn) -> Example[Spans]:
    """A text of words and blanks with mentions anywhere, nested and discontinuous ones too."""
    text = draw(st.text(CHARACTERS, min_size=1, max_size=200))
    edges = st.integers(0, len(text))
    pairs = draw(st.lists(st.tuples(edges, edges, st.sampled_from(LABELS)), max_size=8))
    spans = {Span(min(a, b), max(a, b), label) for a, b, label in pairs if a != b}
    gapped = {
        Span(span.start, span.end, span.label, ((span.start + 1, span.end - 1),))
        for span in list(spans)[:1]
        if span.end - span.start > 3
    }
    return Example("one", "group", text, tuple(sorted(spans | gapped)))
