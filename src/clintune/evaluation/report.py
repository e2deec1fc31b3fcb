"""The evaluation as one HTML page: no script, no network, no date; the same scores give the same bytes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from math import floor
from pathlib import Path

from clintune.evaluation.bootstrap import FEWEST_GROUPS, Ratio
from clintune.evaluation.errors import KINDS, ShownError
from clintune.evaluation.highlighting import Piece
from clintune.evaluation.pages import MOST_ATTRIBUTES, MOST_LABELS, MOST_SHOWN, MOST_VALUES, clip, fill
from clintune.evaluation.results import FEWEST_MENTIONS, OTHERS, Evaluation, Score
from clintune.evaluation.wording import REASONS, cautions, number, reading
from clintune.files import whole_file

MOST_PAIRS = 20
MOST_PIECES = 1500
"""The other limits of a page are those of all pages."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a table, how many there are beyond, and the documents of all, each counted in each row."""

    rows: list[tuple[str, Score]]
    beyond: int
    documents: int


def write_report(path: Path, evaluation: Evaluation, *, inputs: Mapping[str, str]) -> None:
    """Write the page. `inputs`: SHA-256 by name of what the scores were computed from."""
    with whole_file(path) as draft:
        draft.write_text(render(evaluation, inputs=inputs), encoding="utf-8", newline="\n")


def render(evaluation: Evaluation, *, inputs: Mapping[str, str]) -> str:
    """The page as text."""
    return fill(
        Path(__file__).with_name("report.html"),
        filters={"ratio": ratio},
        evaluation=evaluation,
        strict=evaluation.strict,
        inputs=inputs,
        reading=reading(evaluation.strict),
        cautions=[clip(caution, 2000) for caution in cautions(evaluation)],
        reasons=REASONS,
        axis=_axis([evaluation.strict, *evaluation.labels.values(), *evaluation.scores.values()]),
        labels=_part(evaluation.labels, MOST_LABELS),
        subgroups={
            attribute: _part(values, MOST_VALUES)
            for attribute, values in islice(evaluation.subgroups.items(), MOST_ATTRIBUTES)
        },
        kinds={kind: evaluation.kinds.get(kind, 0) for kind in KINDS},
        pairs=_wrong_pairs(evaluation)[:MOST_PAIRS],
        shown=_affordable(evaluation.shown),
        fewest_mentions=FEWEST_MENTIONS,
        fewest_groups=FEWEST_GROUPS,
        others=OTHERS,
    )


def ratio(score: Score, name: Ratio) -> str:
    """The ratio, or a dash where there is nothing to divide by."""
    divisors = {
        "precision": score.counts.predicted,
        "recall": score.counts.gold,
        "f1": score.counts.predicted + score.counts.gold,
    }
    value: float = getattr(score.counts, name)
    return number(value) if divisors[name] else "–"


def _axis(scores: Iterable[Score]) -> float:
    """Where the charts begin: a tenth below every interval, so that differences can be seen."""
    lows = [
        score.intervals["f1"].low if "f1" in score.intervals else score.counts.f1
        for score in scores
        if score.enough
    ]
    return max(0, min(8, floor(10 * min(lows, default=0)))) / 10


def _part(scores: Mapping[str, Score], most: int) -> Part:
    """The rows with most gold mentions, by name."""
    names = sorted(scores, key=lambda name: (-scores[name].counts.gold, name))[:most]
    return Part(
        rows=[(name, scores[name]) for name in sorted(names)],
        beyond=len(scores) - len(names),
        documents=sum(score.documents for score in scores.values()),
    )


def _wrong_pairs(evaluation: Evaluation) -> list[tuple[str | None, str | None, int]]:
    """Pairs of labels that differ, the most frequent first."""
    wrong = [(*pair, count) for pair, count in evaluation.confusion.items() if pair[0] != pair[1]]
    return sorted(wrong, key=lambda one: (-one[2], one[0] or "", one[1] or ""))


def _affordable(shown: Iterable[ShownError]) -> list[ShownError]:
    """As many errors as the page has room for."""
    room, chosen = MOST_PIECES, []
    for error in islice(shown, MOST_SHOWN):
        if error.passage is not None:
            room -= sum(map(_size, (*error.passage.gold, *error.passage.predicted)))
        if room >= 0:
            chosen.append(error)
    return chosen


def _size(piece: Piece) -> int:
    return 1 + len(piece.opens) + len(piece.closes)
