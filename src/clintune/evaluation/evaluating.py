"""Stage evaluate: predictions on test into scores, plots and a report. The only reader of test."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from clintune import params
from clintune.checkpoints import Outputs
from clintune.evaluation.judges import JUDGES, Evidence
from clintune.examples import Prediction
from clintune.files import sha256, write_json
from clintune.tables import write_predictions
from clintune.tasks.codecs import CODECS


def evaluate(
    section: params.Evaluate,
    *,
    seed: int,
    outputs: Outputs,
    examples: Path,
    windows: Path,
    predictions: Iterable[Prediction[Any]],
    folder: Path,
) -> Any:
    """Write predictions.parquet, metrics.json, plots/ and report.html into `folder`; returns what was found.

    `predictions` has one item per example of test, in the same order. `windows` knows how many gold items the
    labels cannot say. What was found is of the type that the judge of the task has.
    """
    train, test = examples / "train.parquet", examples / "test.parquet"
    table = folder / "predictions.parquet"
    write_predictions(table, predictions, CODECS[outputs.task].target)
    judge = JUDGES[outputs.task]
    # Scored from the file, so that whoever recomputes the scores starts from the same bytes.
    found = judge.find(section, Evidence(outputs, train, test, table, windows, seed))
    write_json(folder / "metrics.json", judge.metrics(found))
    judge.write_plots(folder / "plots", found)
    inputs = {"test examples": sha256(test), "train examples": sha256(train), "predictions": sha256(table)}
    judge.write_report(folder / "report.html", found, inputs=inputs)
    return found
