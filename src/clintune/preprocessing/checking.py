"""Is a record whole and true? Its labels renamed, its spans compared with what the corpus quotes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from clintune.examples import Example, Record, Span, Spans

Check: TypeAlias = Callable[[Example[Spans]], str | None]
"""A task's own check: a reason code why the target is illegal, or None."""

REASONS: Mapping[str, str] = {
    "empty_text": "the text has nothing but white space",
    "nul_character": "U+0000 in the text: a binary or damaged file",
    "unknown_label": "preprocess.labels renames, and does not name this label",
    "span_empty": "a span without characters",
    "span_outside_text": "a span reaches beyond the text",
    "gap_outside_span": "the gaps of a span are empty, out of order, or not inside it",
    "text_mismatch": "the corpus quotes other characters than stand at the span",
    "duplicate_id": "an earlier record that was kept has the same id",
    "group_in_two_splits": "an earlier record of the same group lies in another split",
}
"""Why a record is quarantined; the three on spans and gaps are the task's check."""

_BREAKS_AS_BLANKS = str.maketrans("\r\n", "  ")


@dataclass(frozen=True, slots=True)
class Fault:
    """A reason code, and where in the record: positions and labels, never text."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A sound example; how many spans had a label that is left out, and how many were said twice."""

    example: Example[Spans]
    left_out: int
    repeated: int


def examine(record: Record[Spans], labels: Mapping[str, str | None], check: Check) -> Checked | Fault:
    """The example that a record gives, or the first fault that keeps it from being one."""
    found = record.example
    if not found.text.strip():
        return Fault("empty_text", f"{len(found.text)} characters")
    if "\0" in found.text:
        return Fault("nul_character", f"at {found.text.index(chr(0))}")
    for span in found.target:
        if labels and span.label not in labels:
            return Fault("unknown_label", f"{span.label} at {_where(span)}")
    mentions = [
        (replace(span, label=label), quoted)
        for span, quoted in zip(found.target, record.quoted, strict=True)
        if (label := labels.get(span.label, span.label)) is not None
    ]
    example = replace(found, target=tuple(sorted({span for span, _ in mentions})))
    if reason := check(example):
        return Fault(reason, _first_illegal(example, check))
    for span, quoted in mentions:
        if quoted is not None and _plain(quoted) != _plain(_said(found.text, span)):
            return Fault("text_mismatch", _where(span))
    return Checked(example, len(found.target) - len(mentions), len(mentions) - len(example.target))


def _first_illegal(example: Example[Spans], check: Check) -> str:
    """Where the span is that the task refuses, if it refuses one by itself."""
    alone = (span for span in example.target if check(replace(example, target=(span,))))
    return next(map(_where, alone), "")


def _said(text: str, span: Span) -> str:
    """The characters of a span; the pieces of a discontinuous one with a blank between."""
    edges = [span.start, *(edge for gap in span.gaps for edge in gap), span.end]
    return " ".join(text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True))


def _plain(quoted: str) -> str:
    """For comparing only: formats made of lines quote a line break as a blank, and some add blanks after."""
    return quoted.translate(_BREAKS_AS_BLANKS).rstrip()


def _where(span: Span) -> str:
    return f"{span.start}-{span.end}"
