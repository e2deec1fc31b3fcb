"""Each task on whole texts goes the whole walk, and its bundle says what was evaluated."""

import json
import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from clintune.checkpoints import Outputs
from clintune.cli.predict import predict
from clintune.errors import BundleError
from clintune.evaluation import JUDGES
from clintune.evaluation.judges import Evidence
from clintune.exporting import describe, save_mlflow_model
from clintune.exporting.comparing import compare
from clintune.files import read_json, sha256
from clintune.serving import answering
from clintune.serving.predictor import load_bundle
from clintune.serving.self_check import TOLERANCE, self_check
from clintune.tables import read_examples, read_predictions, write_predictions
from clintune.tasks.codecs import CODECS
from clintune.tasks.lines import LINES
from clintune.tasks.scorers import SCORERS
from tests.text_walk import METRICS, TARGETS, text_walk

ROOT = Path(__file__).parents[1]
TASKS = tuple(TARGETS)


@pytest.fixture(scope="module", params=TASKS)
def made(request, tiny, tmp_path_factory):
    """The walk of a task, its bundle, and what the comparison found. Only to read."""
    walk = text_walk(request.param, tiny, tmp_path_factory.mktemp(request.param))
    return walk, walk.folder("bundle"), walk.export(walk.folder("bundle"))


def numbers(walk):
    return read_json(walk.folder("evaluation") / "metrics.json")


def test_the_model_learns_what_the_constant_cannot_know(made):
    walk, _, _ = made
    found, headline = numbers(walk), METRICS[walk.params.task]
    constant = found["baseline"]["constant"][headline]
    lower_is_better = headline in SCORERS[walk.params.task].errors
    assert found[headline] < constant if lower_is_better else found[headline] > constant
    assert found["baseline"]["constant"]["ahead"] == pytest.approx(abs(found[headline] - constant), abs=1e-5)


def test_every_window_of_a_long_text_is_read(made):
    walk, _, _ = made
    summary = read_json(walk.folder("windows") / "summary.json")
    assert summary["test"]["windows"] > summary["test"]["examples"]


def test_the_bundle_says_what_was_evaluated(made):
    walk, bundle, comparison = made
    assert comparison.examples == 30
    assert comparison.apart < 1e-3
    assert self_check(bundle, threads=1)[1] == []
    words = describe(walk.params.export, comparison, walk.folder("evaluation"))
    headline = METRICS[walk.params.task]
    assert f"{numbers(walk)[headline]:.3f}" in words


def test_the_command_answers_in_the_language_of_the_target(made, tmp_path):
    walk, bundle, _ = made
    target = CODECS[walk.params.task].target
    test = list(read_examples(walk.folder("examples") / "test.parquet", target))
    said = list(read_predictions(walk.folder("evaluation") / "predictions.parquet", target))
    file = tmp_path / "notes.jsonl"
    file.write_text("".join(json.dumps({"id": one.id, "text": one.text}) + "\n" for one in test))
    for line, prediction in zip(predict(bundle, file), said, strict=True):
        answer = json.loads(line)
        match walk.params.task:
            case "classification":
                assert answer["label"] == prediction.target
                assert math.isclose(sum(one["score"] for one in answer["scores"]), 1, abs_tol=1e-4)
            case "multilabel":
                assert tuple(answer["labels"]) == prediction.target
            case "regression":
                values = {one["target"]: one["value"] for one in answer["values"]}
                assert list(values) == ["dose", "effect"]
                assert list(values.values()) == pytest.approx(list(prediction.target), abs=0.05)


def test_an_evaluation_of_another_model_is_refused(made):
    walk, bundle, _ = made
    path = walk.folder("evaluation") / "predictions.parquet"
    target = CODECS[walk.params.task].target
    before, said = path.read_bytes(), list(read_predictions(path, target))
    try:
        turned = [
            type(one)(one.id, two.target, two.scores)
            for one, two in zip(said, said[1:] + said[:1], strict=True)
        ]
        write_predictions(path, turned, target)
        with pytest.raises(BundleError, match="examples differently"):
            compare(
                load_bundle(bundle, threads=1), test=walk.folder("examples") / "test.parquet",
                predictions=path, tolerance=TOLERANCE,
            )  # fmt: skip
    finally:
        path.write_bytes(before)


def test_the_card_and_the_summary_give_the_headline_beside_the_baselines(made):
    walk, bundle, _ = made
    card = (bundle / "MODEL_CARD.md").read_text(encoding="utf-8")
    lines = "\n".join(LINES[walk.params.task](numbers(walk)))
    headline = METRICS[walk.params.task]
    for words in (card, lines):
        assert f"{numbers(walk)[headline]:.3f}" in words
        assert f"{numbers(walk)['baseline']['words'][headline]:.3f}" in words


def test_the_mlflow_model_has_a_signature_of_its_answers(made, tmp_path):
    from mlflow.models import Model

    _, bundle, _ = made
    save_mlflow_model(bundle, tmp_path / "model")
    (answer,) = answering.load(bundle)(["The patient takes aspirin daily."])
    outputs = Model.load(str(tmp_path / "model" / "MLmodel")).signature.outputs
    assert set(outputs.input_names()) == set(answer)


def test_the_same_walk_gives_the_same_bytes(made, tiny, tmp_path):
    walk, _, _ = made
    again = text_walk(walk.params.task, tiny, tmp_path)
    for folder in ("windows", "checkpoint", "evaluation"):
        for path in walk.folder(folder).rglob("*"):
            if path.is_file():
                assert sha256(path) == sha256(again.root / path.relative_to(walk.root)), path.name


def test_no_text_and_no_id_is_shown_where_records_may_not_be(made, tiny, tmp_path):
    """What evaluate writes and sends; the predictions alone carry ids."""
    walk, _, _ = made
    shared = (walk.folder("evaluation") / "report.html").read_text(encoding="utf-8")
    examples = walk.folder("examples") / "test.parquet"
    if walk.params.task == "regression":  # wrong by a little everywhere
        assert "The patient takes" in shared
    hidden = walk.params.evaluate.model_copy(update={"shareable": False})
    judge = JUDGES[walk.params.task]
    outputs = Outputs.read(walk.folder("checkpoint") / "outputs.json")
    table = walk.folder("evaluation") / "predictions.parquet"
    evidence = Evidence(
        outputs, walk.folder("examples") / "train.parquet", examples, table, walk.folder("windows"), 1
    )
    found = judge.find(hidden, evidence)
    judge.write_report(tmp_path / "report.html", found, inputs={})
    judge.write_plots(tmp_path / "plots", found)
    words = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.is_file())
    assert "patient takes" not in words + judge.describe(found)
    assert not [one for one in pq.read_table(examples)["id"].to_pylist() if f">{one}<" in words]


def test_every_table_that_dvc_draws_is_there_with_its_columns(made):
    walk, _, _ = made
    drawn = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["plots"]
    for plot in drawn:
        ((name, options),) = plot.items()
        tables = {name: []} if name.startswith("data/") else options["y"]
        for table, columns in tables.items():
            header = (walk.root / table.removeprefix("data/")).read_text(encoding="utf-8").splitlines()[0]
            wanted = [columns] if isinstance(columns, str) else columns
            assert {*wanted, options["x"]} <= set(header.split(",")), table
