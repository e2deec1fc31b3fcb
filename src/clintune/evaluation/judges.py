"""How each task is judged: one line per task. Nothing else in this stage asks which task runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from clintune import params
from clintune.checkpoints import Outputs
from clintune.evaluation import outputs as entity_files
from clintune.evaluation import wording as entity_wording
from clintune.evaluation.measuring import measure
from clintune.evaluation.mentions import mentions
from clintune.evaluation.outputs import Metrics
from clintune.evaluation.report import write_report
from clintune.evaluation.results import Evaluation
from clintune.evaluation.texts import files, wording
from clintune.evaluation.texts.findings import Findings
from clintune.evaluation.texts.judging import judge
from clintune.evaluation.texts.page import write_page
from clintune.files import read_json
from clintune.tables import SPANS, read_examples, read_predictions

Found = TypeVar("Found", Evaluation, Findings)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an evaluation starts from: gold of train and test, predictions of test, facts about windows."""

    outputs: Outputs
    train: Path
    test: Path
    predictions: Path
    windows: Path
    seed: int


@dataclass(frozen=True, slots=True)
class Judge(Generic[Found]):
    """From evidence to what was found, and from there to what people and programs read."""

    find: Callable[[params.Evaluate, Evidence], Found]
    metrics: Callable[[Found], Metrics]
    headline: Callable[[Found], dict[str, float]]
    describe: Callable[[Found], str]
    write_plots: Callable[[Path, Found], None]
    write_report: Callable[..., None]


def _entities(section: params.Evaluate, evidence: Evidence) -> Evaluation:
    return measure(
        section,
        seed=evidence.seed,
        examples=read_examples(evidence.test, SPANS),
        predictions=read_predictions(evidence.predictions, SPANS),
        known=mentions(read_examples(evidence.train, SPANS)),
        inexpressible=read_json(evidence.windows / "summary.json")["test"]["inexpressible"],
    )


def _texts(section: params.Evaluate, evidence: Evidence) -> Findings:
    return judge(
        section,
        evidence.outputs,
        seed=evidence.seed,
        train=evidence.train,
        test=evidence.test,
        table=evidence.predictions,
    )


_ENTITIES = Judge(
    _entities,
    entity_files.metrics,
    entity_files.headline,
    entity_wording.describe,
    entity_files.write_plots,
    write_report,
)
_TEXTS = Judge(_texts, files.metrics, files.headline, wording.describe, files.write_plots, write_page)

JUDGES: Mapping[str, Judge[Any]] = {
    "entities": _ENTITIES,
    "classification": _TEXTS,
    "multilabel": _TEXTS,
    "regression": _TEXTS,
}
