"""The course of training, for MLflow while it runs and for DVC's plots afterwards."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from clintune.files import whole_file

Report: TypeAlias = Callable[[Mapping[str, float], int], None]
"""Where numbers go while training runs: values by name, and the step."""


@dataclass(slots=True)
class History:
    """Two curves. Speed and memory are reported only: they are no property of the model."""

    report: Report
    training: list[dict[str, float]] = field(default_factory=list)
    validation: list[dict[str, float]] = field(default_factory=list)

    def trained(self, step: int, values: Mapping[str, float], speed: Mapping[str, float]) -> None:
        """Loss, learning rate, gradient norm, penalty and trained parameters at a step."""
        self.training.append({"step": step, **values})
        self.report({f"train/{name}": value for name, value in {**values, **speed}.items()}, step)

    def validated(self, step: int, values: Mapping[str, float]) -> None:
        """Scores on validation after a step."""
        self.validation.append({"step": step, **values})
        self.report({f"validation/{name}": value for name, value in values.items()}, step)

    def restore(self, training: list[dict[str, float]], validation: list[dict[str, float]]) -> None:
        """Take up the curves of an interrupted run, and report them: to MLflow this is another run."""
        self.training, self.validation = [], []
        for row in training:
            self.trained(int(row["step"]), {name: one for name, one in row.items() if name != "step"}, {})
        for row in validation:
            self.validated(int(row["step"]), {name: one for name, one in row.items() if name != "step"})

    def write(self, folder: Path, *, metric: str) -> None:
        """training.csv and validation.csv; floats in full, so that equal runs are equal bytes.

        `metric` is the last column of validation.csv: there dvc plots looks for what to draw.
        """
        for name, rows in (("training", self.training), ("validation", self.validation)):
            with whole_file(folder / f"{name}.csv") as draft, draft.open("w", newline="") as stream:
                columns = sorted(rows[0], key=lambda name: (name == metric, name != "step", name))
                writer = csv.DictWriter(stream, fieldnames=columns, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
