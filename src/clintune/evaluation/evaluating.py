"""Stage evaluate: predictions on test into scores, plots and a report. The only reader of test."""

from collections.abc import Iterable
from pathlib import Path

from clintune import params
from clintune.evaluation.measuring import measure
from clintune.evaluation.mentions import mentions
from clintune.evaluation.outputs import metrics, write_plots
from clintune.evaluation.report import write_report
from clintune.evaluation.results import Evaluation
from clintune.examples import Prediction, Spans
from clintune.files import read_json, sha256, write_json
from clintune.tables import SPANS, read_examples, read_predictions, write_predictions


def evaluate(
    section: params.Evaluate,
    *,
    seed: int,
    examples: Path,
    windows: Path,
    predictions: Iterable[Prediction[Spans]],
    folder: Path,
) -> Evaluation:
    """Write predictions.parquet, metrics.json, plots/ and report.html into `folder`.

    `predictions` has one item per example of test, in the same order. `windows` knows how many gold spans
    the tags cannot say. Texts are read one by one and not kept.
    """
    train, test = examples / "train.parquet", examples / "test.parquet"
    table = folder / "predictions.parquet"
    write_predictions(table, predictions, SPANS)
    # Scored from the file, so that whoever recomputes the scores starts from the same bytes.
    evaluation = measure(
        section,
        seed=seed,
        examples=read_examples(test, SPANS),
        predictions=read_predictions(table, SPANS),
        known=mentions(read_examples(train, SPANS)),
        inexpressible=read_json(windows / "summary.json")["test"]["inexpressible"],
    )
    write_json(folder / "metrics.json", metrics(evaluation))
    write_plots(folder / "plots", evaluation)
    inputs = {"test examples": sha256(test), "train examples": sha256(train), "predictions": sha256(table)}
    write_report(folder / "report.html", evaluation, inputs=inputs)
    return evaluation
