"""Spans into one tag per word and back. Every token of a word carries the word's tag.

A tag is `O`, or a position and a label: B-egin, I-nside (BIO); also E-nd and S-ingle (BIOES).
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clintune.checkpoints import Outputs, Scale
from clintune.examples import Example, Prediction, Span, Spans, Window
from clintune.tables import SPANS, TargetType
from clintune.tasks.agreement import scores_apart
from clintune.windows import Cutter, Tokens

Piece: TypeAlias = tuple[Window, NDArray[np.float32]]
"""A window, and logits [token, label] for it, padding at the end."""

OUTSIDE = "O"
POSITIONS = {"bio": "BI", "bioes": "BIES"}
UNLABELLED = ("discontinuous", "no_token")


@dataclass(frozen=True, slots=True)
class EntityCodec:
    """Between character spans and token labels."""

    target: ClassVar[TargetType[Spans]] = SPANS
    labels_type: ClassVar[pa.DataType] = pa.int32()

    def labels(self, named: Sequence[str], scheme: str) -> tuple[str, ...]:
        """`O`, then each position of each label."""
        return (
            OUTSIDE,
            *(f"{position}-{label}" for label in sorted(named) for position in POSITIONS[scheme]),
        )

    def scales(self, _train: Iterable[Example[Spans]], _labels: Sequence[str]) -> tuple[Scale, ...]:
        """None: probabilities have none."""
        return ()

    def windows(
        self, example: Example[Spans], cutter: Cutter, outputs: Outputs
    ) -> tuple[list[Window], Counter[str]]:
        """Each token's label in the window that owns it."""
        tokens = cutter.tokens(example.text)
        tags, lost = self.label(example, tokens, outputs.labels)
        return list(cutter.cut(example.id, tokens, tags)), lost

    def label(
        self, example: Example[Spans], tokens: Tokens, labels: Sequence[str]
    ) -> tuple[list[int], Counter[str]]:
        """One label per token, and the spans that tags on words cannot say, by reason.

        A span whose border lies inside a word (`inside_word`) or beside it (`loose_border`) is moved to
        whole words: the loss learns it, evaluation counts it as missed. Of spans that share a word one is
        kept, exact before moved, then the first, then the longest; `nested` counts the others that are exact.
        """
        words = _words(tokens)
        tags = [OUTSIDE] * len(words)
        lost: Counter[str] = Counter()
        singles = any(label.startswith("S-") for label in labels)
        covered = [(span, *_covered(words, span)) for span in example.target]
        placed = [(span, first, last, _unsayable(words[first:last], span)) for span, first, last in covered]
        for span, first, last, reason in sorted(placed, key=_preference):
            taken = any(tag != OUTSIDE for tag in tags[first:last])
            if reason or taken:
                lost[reason or "nested"] += 1
            if not taken and reason not in UNLABELLED:
                tags[first:last] = _positions(last - first, span.label, singles=singles)
        index = {label: number for number, label in enumerate(labels)}
        sizes = (end - start for start, end in (word.tokens for word in words))
        return [index[tag] for tag, size in zip(tags, sizes, strict=True) for _ in range(size)], lost

    def decode(self, example_id: str, pieces: Sequence[Piece], outputs: Outputs) -> Prediction[Spans]:
        """What the owned tokens of all windows say; outputs are [token, label]."""
        return self.spans(example_id, *_joined(pieces), outputs.labels)

    def items(self, prediction: Prediction[Spans]) -> int:
        """Its spans."""
        return len(prediction.target)

    def apart(self, one: Prediction[Spans], two: Prediction[Spans], _outputs: Outputs) -> float:
        """The largest difference of a score; infinite where spans differ."""
        return scores_apart(one, two)

    def spans(
        self, example_id: str, tokens: Tokens, logits: NDArray[np.float32], labels: Sequence[str]
    ) -> Prediction[Spans]:
        """The likeliest legal sequence of tags (Viterbi), as spans.

        `logits` is [token, label]. A word's score for a tag is the mean log-probability over its tokens; a
        span's score is the geometric mean of its words' probabilities.
        """
        words = _words(tokens)
        if not words:
            return Prediction(example_id, (), ())
        scores = _word_scores(words, logits)
        path = _viterbi(scores, _transitions(tuple(labels)))
        chosen = scores[np.arange(len(path)), path]
        found = [
            (inked, label, float(np.exp(chosen[first:last].mean())))
            for first, last, label in _runs([labels[tag] for tag in path])
            if (inked := _inked(words[first:last]))
        ]
        spans = tuple(Span(inked[0].start, inked[-1].end, label) for inked, label, _ in found)
        return Prediction(example_id, spans, tuple(certainty for *_, certainty in found))


def _joined(pieces: Sequence[Piece]) -> tuple[Tokens, NDArray[np.float32]]:
    """The owned tokens of all windows of one example: each token of the text once, in order."""
    kept = [(window, position) for window, _ in pieces for position in np.flatnonzero(window.owned)]
    tokens = Tokens(
        ids=tuple(window.input_ids[position] for window, position in kept),
        starts=tuple(window.starts[position] for window, position in kept),
        ends=tuple(window.ends[position] for window, position in kept),
        heads=tuple(window.heads[position] for window, position in kept),
    )
    logits = [output[: len(window.owned)][np.array(window.owned)] for window, output in pieces]
    return tokens, np.concatenate(logits)


@dataclass(frozen=True, slots=True)
class _Word:
    """Characters start:end, tokens[0]:tokens[1]."""

    start: int
    end: int
    tokens: tuple[int, int]


def _words(tokens: Tokens) -> list[_Word]:
    heads = [index for index, head in enumerate(tokens.heads) if head]
    return [
        _Word(tokens.starts[first], tokens.ends[last - 1], (first, last))
        for first, last in pairwise([*heads, len(tokens)])
    ]


def _inked(words: Sequence[_Word]) -> list[_Word]:
    """Those with characters: some tokenizers have words of blanks alone."""
    return [word for word in words if word.start < word.end]


def _covered(words: Sequence[_Word], span: Span) -> tuple[int, int]:
    """The words that share a character with the span, as first:last; first == last if none does."""
    first = bisect_right(words, span.start, key=lambda word: word.end)
    return first, max(first, bisect_left(words, span.end, key=lambda word: word.start))


def _unsayable(words: Sequence[_Word], span: Span) -> str | None:
    if span.gaps:
        return "discontinuous"
    inked = _inked(words)
    if not inked:
        return "no_token"
    start, end = inked[0].start, inked[-1].end
    if start < span.start or end > span.end:
        return "inside_word"
    return "loose_border" if (start, end) != (span.start, span.end) else None


def _preference(placed: tuple[Span, int, int, str | None]) -> tuple[bool, int, int]:
    span, _, _, reason = placed
    return reason is not None, span.start, -span.end


def _positions(size: int, label: str, *, singles: bool) -> list[str]:
    if not singles:
        return [f"B-{label}", *[f"I-{label}"] * (size - 1)]
    if size == 1:
        return [f"S-{label}"]
    return [f"B-{label}", *[f"I-{label}"] * (size - 2), f"E-{label}"]


def _word_scores(words: Sequence[_Word], logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean log-probability over the tokens of each word: [word, label]."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    log_probabilities = wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))
    firsts = np.array([word.tokens[0] for word in words])
    sizes = np.array([word.tokens[1] - word.tokens[0] for word in words])
    means: NDArray[np.float64] = np.add.reduceat(log_probabilities, firsts, axis=0) / sizes[:, None]
    return means


@lru_cache(maxsize=8)
def _transitions(
    labels: tuple[str, ...],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Penalties (0 or minus infinity) of a tag at the start, after a tag [before, after], and at the end."""

    def legal(before: str, after: str) -> bool:
        open_label = before[2:] if before[0] in "BI" else None
        if after[0] in "IE":
            return after[2:] == open_label
        return open_label is None or not closing

    closing = any(label[0] == "E" for label in labels)
    table = np.array([[legal(before, after) for after in labels] for before in labels])
    return _penalty(table[labels.index(OUTSIDE)]), _penalty(table), _penalty(table[:, labels.index(OUTSIDE)])


def _penalty(legal: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(legal, 0.0, -np.inf)


def _viterbi(
    scores: NDArray[np.float64],
    transitions: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
) -> list[int]:
    """The legal path with the highest sum of `scores` [word, label]; the lower label wins a tie."""
    start, between, end = transitions
    best = scores[0] + start
    back = np.zeros(scores.shape, dtype=np.intp)
    for word in range(1, len(scores)):
        reached = best[:, None] + between
        back[word] = reached.argmax(axis=0)
        best = reached.max(axis=0) + scores[word]
    path = [int((best + end).argmax())]
    for word in range(len(scores) - 1, 0, -1):
        path.append(int(back[word, path[-1]]))
    return path[::-1]


def _runs(tags: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """First word, last word + 1 and label of each span in a legal sequence of tags."""
    begun: int | None = None
    for index, tag in enumerate([*tags, OUTSIDE]):
        if begun is not None and tag[0] in "OBS":
            yield begun, index, tags[begun][2:]
            begun = None
        if tag[0] in "BS":
            begun = index
