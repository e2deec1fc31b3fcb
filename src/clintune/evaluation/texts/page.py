"""Findings as one HTML page, in the look of the other reports: no script, no network, no date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from clintune.evaluation.bootstrap import FEWEST_GROUPS
from clintune.evaluation.pages import MOST_ATTRIBUTES, MOST_LABELS, MOST_SHOWN, MOST_VALUES, clip, fill
from clintune.evaluation.texts.findings import FEWEST_TEXTS, Findings, overall
from clintune.evaluation.texts.wording import BASELINES, cautions, cell, comparison
from clintune.files import whole_file

MOST_CLASSES = 20
"""Above this a table of who was taken for whom is too wide: plots/confusion.csv has it."""

MOST_POINTS = 2000


@dataclass(frozen=True, slots=True)
class Plot:
    """Points of a square picture, both axes from `low` to `high`; in pixels from the upper left corner."""

    low: float
    high: float
    points: Sequence[tuple[str, str]]


def write_page(path: Path, findings: Findings, *, inputs: Mapping[str, str]) -> None:
    """Write the page. `inputs`: SHA-256 by name of what the scores were computed from."""
    with whole_file(path) as draft:
        draft.write_text(render(findings, inputs=inputs), encoding="utf-8", newline="\n")


def render(findings: Findings, *, inputs: Mapping[str, str]) -> str:
    """The page as text."""
    return fill(
        Path(__file__).with_name("page.html"),
        filters={"cell": cell},
        findings=findings,
        manner=findings.manner,
        scores=overall(findings.scores),
        baselines={BASELINES[name]: overall(one) for name, one in findings.baselines.items()},
        comparisons=[comparison(findings, name) for name in findings.gains],
        inputs=inputs,
        cautions=[clip(caution, 2000) for caution in cautions(findings)],
        parts={label: findings.part(label) for label in findings.labels[:MOST_LABELS]},
        subgroups={
            attribute: dict(islice(values.items(), MOST_VALUES))
            for attribute, values in islice(findings.subgroups.items(), MOST_ATTRIBUTES)
        },
        classes=findings.labels if 0 < len(findings.labels) <= MOST_CLASSES else (),
        plot=_plot(findings),
        shown=findings.shown[:MOST_SHOWN],
        fewest_texts=FEWEST_TEXTS,
        fewest_groups=FEWEST_GROUPS,
    )


def _plot(findings: Findings) -> Plot | None:
    """Said against gold. Where records may not be shown, a point would be one: then there is none."""
    if not findings.points or not findings.shareable:
        return None
    numbers = [number for point in findings.points for number in point]
    low, high = min(numbers), max(numbers)
    width = (high - low) or 1.0
    some = findings.points[:: max(1, len(findings.points) // MOST_POINTS)]
    return Plot(
        low,
        high,
        [
            (f"{50 + 270 * (gold - low) / width:.1f}", f"{280 - 270 * (said - low) / width:.1f}")
            for gold, said in some
        ],
    )
