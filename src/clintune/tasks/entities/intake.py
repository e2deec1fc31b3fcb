"""Spans of a record: their labels renamed, their places checked, compared with what the corpus quotes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from clintune.examples import Example, Record, Span, Spans
from clintune.tables import SPANS, TargetType
from clintune.tasks.admission import Admitted, Fault

REASONS: Mapping[str, str] = {
    "unknown_label": "preprocess.labels renames, and does not name this label",
    "span_empty": "a span without characters",
    "span_outside_text": "a span reaches beyond the text",
    "gap_outside_span": "the gaps of a span are empty, out of order, or not inside it",
    "text_mismatch": "the corpus quotes other characters than stand at the span",
}
"""Why a record is quarantined."""

_BREAKS_AS_BLANKS = str.maketrans("\r\n", "  ")


@dataclass(slots=True)
class SpanTally:
    """Spans by label, and what became of the others."""

    spans: Counter[str] = field(default_factory=Counter)
    discontinuous: int = 0
    left_out: int = 0
    repeated: int = 0

    def add(self, admitted: Admitted[Spans]) -> None:
        """One example."""
        self.spans.update(span.label for span in admitted.example.target)
        self.discontinuous += sum(bool(span.gaps) for span in admitted.example.target)
        self.left_out += admitted.left_out
        self.repeated += admitted.repeated

    def labels(self) -> set[str]:
        """Those of the spans."""
        return set(self.spans)

    def summary(self) -> dict[str, Any]:
        """As it stands in summary.json."""
        return {
            "spans": dict(self.spans),
            "discontinuous": self.discontinuous,
            "spans_left_out": self.left_out,
            "spans_repeated": self.repeated,
        }


@dataclass(frozen=True, slots=True)
class SpanIntake:
    """For entity recognition."""

    target: ClassVar[TargetType[Spans]] = SPANS

    def admit(self, record: Record[Spans], labels: Mapping[str, str | None]) -> Admitted[Spans] | Fault:
        """The example with its spans sorted, each once."""
        found = record.example
        for span in found.target:
            if labels and span.label not in labels:
                return Fault("unknown_label", f"{span.label} at {_where(span)}")
        mentions = [
            (replace(span, label=label), quoted)
            for span, quoted in zip(found.target, record.quoted, strict=True)
            if (label := labels.get(span.label, span.label)) is not None
        ]
        example = replace(found, target=tuple(sorted({span for span, _ in mentions})))
        if reason := check_spans(example):
            return Fault(reason, _first_illegal(example))
        for span, quoted in mentions:
            if quoted is not None and _plain(quoted) != _plain(_said(found.text, span)):
                return Fault("text_mismatch", _where(span))
        return Admitted(example, len(found.target) - len(mentions), len(mentions) - len(example.target))

    def tally(self) -> SpanTally:
        """A fresh one."""
        return SpanTally()


def check_spans(example: Example[Spans]) -> str | None:
    """`span_empty`, `span_outside_text` or `gap_outside_span`, or None."""
    for span in example.target:
        if span.start >= span.end:
            return "span_empty"
        if span.start < 0 or span.end > len(example.text):
            return "span_outside_text"
        edges = [span.start, *(edge for gap in span.gaps for edge in gap), span.end]
        if edges != sorted(set(edges)):
            return "gap_outside_span"
    return None


def _first_illegal(example: Example[Spans]) -> str:
    """Where the first span is that is illegal by itself."""
    alone = (span for span in example.target if check_spans(replace(example, target=(span,))))
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
