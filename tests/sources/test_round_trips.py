"""Any document, written in a format and read back, has the same characters and the same spans."""

import json
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from clintune.examples import Span
from tests.corpora import read, write

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
# Where a format is made of lines, a text has none; a CR before the end of a line would be part of that end.
LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r"), max_size=30)
LABELS = st.sampled_from(["Disease", "Gene_or_gene_product", "药物", "B-cell"])


@st.composite
def contiguous(draw, text):
    edges = st.integers(0, len(text))
    pairs = draw(st.lists(st.tuples(edges, edges, LABELS), max_size=6)) if text else []
    return tuple({Span(min(a, b), max(a, b), label) for a, b, label in pairs if a != b})


@st.composite
def discontinuous(draw, text):
    """Two to four edges for each mention; a gap that is a line break only is brat's way to say none."""
    spans = set(draw(contiguous(text)))
    edges = st.lists(st.integers(0, len(text)), min_size=4, max_size=4, unique=True).map(sorted)
    for start, stop, go_on, end in draw(st.lists(edges, max_size=3)) if len(text) > 3 else []:
        if text[stop:go_on] not in ("\n", "\r\n"):
            spans.add(Span(start, end, draw(LABELS), ((stop, go_on),)))
    return tuple(spans)


@st.composite
def documents(draw, texts, spans):
    text = draw(texts)
    return text, draw(spans(text))


def back(format_, files, **columns):
    with TemporaryDirectory() as folder:
        return read(write(Path(folder), files), format_, **columns)


def pieces(text, span):
    edges = [span.start, *(edge for gap in span.gaps for edge in gap), span.end]
    return list(zip(edges[::2], edges[1::2], strict=True))


@given(documents(st.text(CHARACTERS), discontinuous))
def test_jsonl(document):
    text, spans = document
    rows = [{"start": s.start, "end": s.end, "label": s.label, "gaps": s.gaps} for s in spans]
    line = json.dumps({"id": "1", "group": "1", "text": text, "spans": rows}, ensure_ascii=False)
    (record,) = back("jsonl", {"a.jsonl": line})
    assert (record.example.text, record.example.target) == (text, spans)


@given(documents(st.text(CHARACTERS), discontinuous), st.sampled_from(["\n", "\r\n"]))
def test_brat(document, end):
    text, spans = document
    lines = []
    for number, span in enumerate(spans):
        ranges = ";".join(f"{start} {stop}" for start, stop in pieces(text, span))
        quoted = " ".join(text[start:stop] for start, stop in pieces(text, span)).replace("\n", " ")
        lines.append(f"T{number}\t{span.label} {ranges}\t{quoted.rstrip(chr(13))}{end}")
    (record,) = back("brat", {"a.txt": text, "a.ann": "".join(lines)})
    assert (record.example.text, record.example.target) == (text, spans)


@given(LINE, LINE, st.data(), st.sampled_from(["\n", "\r\n"]))
def test_pubtator(title, abstract, data, end):
    text = f"{title}\n{abstract}"
    # A mention does not cross from the title to the abstract: its column could not hold the line's end.
    spans = tuple(s for s in data.draw(contiguous(text)) if "\n" not in text[s.start : s.end])
    mentions = [f"1\t{s.start}\t{s.end}\t{text[s.start : s.end]}\t{s.label}\tD1" for s in spans]
    # Nor could it hold a tab: such a line has too many columns, and is an error.
    assume_no_tab = [line for line in mentions if line.count("\t") == 5]
    lines = [f"1|t|{title}", f"1|a|{abstract}", *assume_no_tab, "1\tCID\tD1\tD2", ""]
    (record,) = back("pubtator", {"a.txt": end.join(lines)})
    kept = tuple(s for s, line in zip(spans, mentions, strict=True) if line.count("\t") == 5)
    assert (record.example.text, record.example.target) == (text, kept)


@st.composite
def tokens_and_mentions(draw, excluded):
    token = st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r\ufeff" + excluded),
        min_size=1,
        max_size=4,
    ).filter(lambda text: not text.startswith("-DOCSTART-"))
    tokens = draw(st.lists(token, min_size=1, max_size=12))
    cuts = sorted(draw(st.sets(st.integers(0, len(tokens)), max_size=6)))
    mentions = [(start, end, draw(LABELS)) for start, end in pairwise(cuts) if draw(st.booleans())]
    return tokens, mentions


def tags(scheme, size, mentions, mark):
    out = ["O"] * size
    for start, end, label in mentions:
        inside = ["I"] * (end - start)
        before = next((name for _, stop, name in mentions if stop == start), None)
        if scheme == "iob2" or (scheme == "iob1" and before == label):
            inside[0] = "B"
        if scheme == "iobes":
            inside = ["B", *inside[2:], "E"] if len(inside) > 1 else ["S"]
        out[start:end] = [f"{prefix}{mark}{label}" for prefix in inside]
    return out


@given(
    st.data(), st.sampled_from(["iob1", "iob2", "iobes"]), st.sampled_from(["space", "tab"]),
    st.sampled_from(["", " "]), st.sampled_from("-_"), st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
def test_conll(data, scheme, separator, joiner, mark, end):
    between = {"space": " ", "tab": "\t"}[separator]
    tokens, mentions = data.draw(tokens_and_mentions(between))
    rows = zip(tokens, tags(scheme, len(tokens), mentions, mark), strict=True)
    text = "".join(f"{token}{between}{tag}{end}" for token, tag in rows)
    (record,) = back("conll", {"a.txt": text}, scheme=scheme, separator=separator, joiner=joiner)
    begins = [len(joiner.join([*tokens[:number], ""])) for number in range(len(tokens))]
    spans = tuple(
        Span(begins[first], begins[last - 1] + len(tokens[last - 1]), label)
        for first, last, label in mentions
    )
    assert (record.example.text, record.example.target) == (joiner.join(tokens), spans)
