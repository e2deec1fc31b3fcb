"""An evaluation as files that other tools read: nested numbers for `dvc metrics`, tables for `dvc plots`."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from clintune.evaluation.errors import KINDS
from clintune.evaluation.results import Evaluation, Macro, Score
from clintune.files import whole_file, whole_folder

Metrics: TypeAlias = Mapping[str, "float | Metrics"]
Cell: TypeAlias = str | float | None

DIGITS = 6
"""Decimals kept: finer than any test set can tell apart, coarser than the last bits of a sum."""

NOTHING = "(none)"
"""Stands for the missing side of a pair in confusion.csv: missed as predicted, spurious as actual."""


def metrics(evaluation: Evaluation) -> Metrics:
    """Numbers only, nested by name, rounded to DIGITS. What could not be said has no key."""
    return {
        "documents": evaluation.strict.documents,
        "groups": evaluation.strict.groups,
        **{name: _score(score) for name, score in evaluation.scores.items()},
        "macro": _macro(evaluation.macro),
        "label": {label: _score(score) for label, score in evaluation.labels.items()},
        "subgroup": {
            attribute: {value: _score(score) for value, score in values.items() if score.enough}
            for attribute, values in evaluation.subgroups.items()
        },
        "confidence": {
            "ece": _rounded(evaluation.reliability.ece),
            "brier": _rounded(evaluation.reliability.brier),
        },
        "errors": {kind: evaluation.kinds.get(kind, 0) for kind in KINDS},
        "inexpressible": dict(evaluation.inexpressible),
    }


def headline(evaluation: Evaluation) -> dict[str, float]:
    """The numbers by which models are compared, named as in the run of stage evaluate."""
    return {
        f"strict/{name}": value
        for name, value in _score(evaluation.strict).items()
        if name.startswith(("f1", "precision", "recall"))
    }


def _score(score: Score) -> dict[str, float]:
    ratios = {
        "precision": _rounded(score.counts.precision),
        "recall": _rounded(score.counts.recall),
        "f1": _rounded(score.counts.f1),
    }
    for ratio, interval in score.intervals.items():
        ratios[f"{ratio}_low"] = _rounded(interval.low)
        ratios[f"{ratio}_high"] = _rounded(interval.high)
    return ratios | {
        "correct": score.counts.correct,
        "predicted": score.counts.predicted,
        "gold": score.counts.gold,
    }


def _macro(macro: Macro) -> dict[str, float]:
    means = {
        "precision": _rounded(macro.precision),
        "recall": _rounded(macro.recall),
        "f1": _rounded(macro.f1),
    }
    if macro.interval is not None:
        means |= {"f1_low": _rounded(macro.interval.low), "f1_high": _rounded(macro.interval.high)}
    return means


def _rounded(value: float) -> float:
    return round(value, DIGITS)


def flat(nested: Metrics) -> dict[str, float]:
    """Path of names with `/` between them: number. Names keep only what MLflow takes in a metric's name."""
    numbers: dict[str, float] = {}
    for path, value in _leaves(nested):
        name = "/".join(map(_plain, path))
        while name in numbers:
            name += "_"
        numbers[name] = value
    return numbers


def _leaves(nested: Metrics, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    for name, value in sorted(nested.items()):
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def _plain(name: str) -> str:
    # MLflow reads names as paths: '.' and '..' would be taken for folders.
    return re.sub(r"[^\w\- ]", "_", name)[:60].strip() or "_"


def write_plots(folder: Path, evaluation: Evaluation) -> None:
    """labels.csv, subgroups.csv, confusion.csv (one row per pair) and reliability.csv."""
    with whole_folder(folder) as draft:
        write_csv(draft / "labels.csv", ["label", *_COLUMNS], _rows(evaluation.labels))
        write_csv(
            draft / "subgroups.csv",
            ["attribute", "value", *_COLUMNS],
            (
                [attribute, *row]
                for attribute, values in evaluation.subgroups.items()
                for row in _rows({value: score for value, score in values.items() if score.enough})
            ),
        )
        write_csv(draft / "confusion.csv", ["actual", "predicted"], _pairs(evaluation))
        write_csv(
            draft / "reliability.csv",
            ["low", "high", "confidence", "accuracy", "predicted"],
            (
                [one.low, one.high, _rounded(one.confidence), _rounded(one.accuracy), one.predicted]
                for one in evaluation.reliability.bins
            ),
        )


_COLUMNS = ["f1", "f1_low", "f1_high", "precision", "recall", "correct", "predicted", "gold"]


def _rows(scores: Mapping[str, Score]) -> Iterator[Sequence[Cell]]:
    for name, score in scores.items():
        numbers = _score(score)
        yield [name, *(numbers.get(column) for column in _COLUMNS)]


def _pairs(evaluation: Evaluation) -> Iterator[Sequence[Cell]]:
    """DVC's confusion template counts rows: a pair that occurred n times is there n times."""
    named = (
        (tuple(label or NOTHING for label in pair), count) for pair, count in evaluation.confusion.items()
    )
    for pair, count in sorted(named):
        yield from [pair] * count


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """LF, and quotes where a cell needs them: the same rows are the same bytes."""
    """LF, and quotes where a cell needs them: the same rows are the same bytes."""
    with whole_file(path) as draft, draft.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
