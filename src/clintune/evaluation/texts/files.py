"""Findings as numbers for `dvc metrics` and tables for `dvc plots`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from clintune.evaluation.outputs import DIGITS, Cell, Metrics, write_csv
from clintune.evaluation.texts.findings import Estimate, Findings, overall
from clintune.files import whole_folder

Table: TypeAlias = tuple[Sequence[str], Iterator[Sequence[Cell]]]


def metrics(findings: Findings) -> Metrics:
    """Numbers only, nested by name, rounded. What is not defined has no key."""
    found: dict[str, Metrics | float] = {
        "documents": findings.texts,
        "groups": findings.groups,
        **_flat(overall(findings.scores)),
        findings.manner.part: {label: _flat(findings.part(label)) for label in findings.labels},
        "baseline": {name: _baseline(findings, name) for name in findings.baselines},
        "subgroup": {
            attribute: {
                value: {"documents": one.texts, **_flat(one.scores)}
                for value, one in values.items()
                if one.scores
            }
            for attribute, values in findings.subgroups.items()
        },
        "ceiling": {name: round(value, DIGITS) for name, value in findings.ceiling.items()},
    }
    if findings.reliability is not None:
        found["confidence"] = {
            "ece": round(findings.reliability.ece, DIGITS),
            "brier": round(findings.reliability.brier, DIGITS),
        }
    return found


def headline(findings: Findings) -> dict[str, float]:
    """The numbers by which models are compared, named as in the run of stage evaluate."""
    found, names = overall(findings.scores), [measure.name for measure in findings.manner.measures]
    return _flat({name: found[name] for name in names if name in found})


def _baseline(findings: Findings, name: str) -> dict[str, float]:
    """Its scores, and how far the model is `ahead` of it by the headline."""
    gain = {"ahead": findings.gains[name]} if name in findings.gains else {}
    return _flat(overall(findings.baselines[name]) | gain)


def _flat(scores: Mapping[str, Estimate]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, estimate in scores.items():
        found[name] = round(estimate.value, DIGITS)
        if estimate.interval is not None:
            found[f"{name}_low"] = round(estimate.interval.low, DIGITS)
            found[f"{name}_high"] = round(estimate.interval.high, DIGITS)
    return found


def write_plots(folder: Path, findings: Findings) -> None:
    """The tables that dvc.yaml draws, and subgroups.csv; of numbers also targets.csv and predicted.csv."""
    with whole_folder(folder) as draft:
        for name, (header, rows) in (_scores(findings) | _pictures(findings)).items():
            write_csv(draft / f"{name}.csv", header, rows)


def _scores(findings: Findings) -> dict[str, Table]:
    part = findings.manner.part
    names = [measure.name for measure in findings.manner.part_measures]
    whole = [measure.name for measure in findings.manner.measures]
    return {
        f"{part}s": (
            [part, *names],
            ([label, *map(_flat(findings.part(label)).get, names)] for label in findings.labels),
        ),
        "subgroups": (
            ["attribute", "value", "documents", *whole],
            (
                [attribute, value, one.texts, *map(_flat(one.scores).get, whole)]
                for attribute, values in findings.subgroups.items()
                for value, one in values.items()
                if one.scores
            ),
        ),
    }


def _pictures(findings: Findings) -> dict[str, Table]:
    """What dvc.yaml draws, for every task: a table without rows where there is nothing to draw."""
    bins = findings.reliability.bins if findings.reliability is not None else ()
    found: dict[str, Table] = {
        # DVC's confusion template counts rows.
        "confusion": (
            ["actual", "predicted"],
            (pair for pair, count in findings.confusion.items() for _ in range(count)),
        ),
        "reliability": (
            ["low", "high", "confidence", "accuracy", "predicted"],
            (
                [one.low, one.high, round(one.confidence, DIGITS), round(one.accuracy, DIGITS), one.predicted]
                for one in bins
            ),
        ),
    }
    if findings.manner.part != "label":
        found["labels"] = (["label", "f1"], iter(()))
    if findings.points and findings.shareable:
        points = ([round(gold, DIGITS), round(said, DIGITS)] for gold, said in findings.points)
        found["predicted"] = (["actual", "predicted"], points)
    return found
