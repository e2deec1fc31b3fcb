"""The pipeline as its users run it: real DVC, real MLflow, a tiny model."""

import csv
import json
import re
import shutil
import sqlite3

import pytest
from ruamel.yaml import YAML

from clintune.evaluation.outputs import write_plots
from clintune.graph import read_stages
from tests.evaluation.documents import evaluation, example, prediction
from tests.planting import LEAVES_THE_HOUSE, PEOPLE, SHOWN, found, planted
from tests.project import ROOT, RUNNING, Project
from tests.tracking.stores import client_of, runs_of, spooled, stage_runs

STAGES = list(read_stages(ROOT))

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]


def lock(project: Project) -> bytes:
    return (project.root / "dvc.lock").read_bytes()


def test_git_sees_nothing_new_but_the_lock_and_the_metrics(finished):
    status = finished.run("git", "status", "--short", "--untracked-files=all").stdout.splitlines()
    assert {line[3:] for line in status} == {"dvc.lock", "data/evaluation/metrics.json"}


def test_a_second_repro_runs_nothing(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    again = project.run("dvc", "repro").stdout
    assert RUNNING.findall(again) == []
    assert lock(project) == lock(finished)


def test_the_tiny_model_finds_mentions_so_that_comparing_them_means_something(finished):
    metrics = json.loads((finished.root / "data/evaluation/metrics.json").read_text())
    assert metrics["strict"]["correct"] > 20


def test_an_auditor_finds_scores_and_params_in_the_run_of_the_execution_and_words_at_the_model(finished):
    client = client_of(finished)
    strict = json.loads((finished.root / "data/evaluation/metrics.json").read_text())["strict"]
    [execution] = runs_of(client, "tags.`dvc.kind` = 'pipeline'")
    assert execution.data.metrics["strict/f1"] == strict["f1"]
    assert execution.data.params["train.epochs"] == "6"
    [version] = client.search_model_versions()
    assert version.description.startswith(f"**Strict F1 on test {strict['f1']:.3f}**")
    assert version.run_id == stage_runs(client, "export")[0].info.run_id


def test_a_param_of_evaluation_reruns_that_alone(finished, tmp_path):
    # What a param of train reruns: tests/test_readme.py.
    project = finished.copy(tmp_path / "copy")
    project.params({"evaluate": {"shown": 4}})
    # Export reads predictions and scores, which are as before: DVC sees it and stops there.
    assert RUNNING.findall(project.run("dvc", "repro").stdout) == ["evaluate"]


@pytest.mark.slow  # in every run of the tests, tests/test_dag.py says the same of each leaf by `dvc status`
def test_a_param_of_export_reruns_export_alone(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    project.params({"export": {"name": "another-name"}})
    assert RUNNING.findall(project.run("dvc", "repro").stdout) == ["export"]


def test_a_changed_byte_of_the_corpus_reruns_the_pipeline(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    vocabulary = project.root / "src/clintune/sources/synthetic/vocabulary.yaml"
    vocabulary.write_text(vocabulary.read_text(encoding="utf-8") + "# one more line\n", encoding="utf-8")
    changed = project.run("dvc", "status").stdout
    assert re.findall(r"^(\w+):", changed, re.MULTILINE)[0] == "ingest"


def test_no_text_id_or_rare_value_of_a_record_is_seen_where_it_may_not_be_shown(finished):
    wanted = planted(finished)
    assert len(wanted["text"]) > 200
    assert len(wanted["id"]) == 24 + 48
    assert wanted["value"] == set(PEOPLE.values())
    assert found(finished, LEAVES_THE_HOUSE, wanted) == {"text": set(), "id": set(), "value": set()}


def test_the_same_scan_finds_them_in_spool_store_and_database_where_they_may_be_shown(finished, tmp_path):
    # An experiment of its own, apart from the one in which nothing may be shown.
    own = {"CLINTUNE_EXPERIMENT": "shown"}
    project = Project(finished.copy(tmp_path / "copy").root, own)
    project.params(SHOWN)
    wanted = planted(project)
    # Nobody listens at this port: what evaluate has to say stays in the spool until it is sent.
    offline = Project(project.root, {**own, "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})
    offline.run("dvc", "repro", "evaluate")
    demand_each_kind(found(project, [".clintune/spool"], wanted))
    project.run("clintune", "send")
    assert spooled(project) == []
    demand_each_kind(found(project, [".clintune/mlflow/artifacts"], wanted))
    # Of these, the database gets the values alone, in the names of metrics.
    assert len(found(project, [".clintune/mlflow/mlflow.db"], wanted)["value"]) == len(PEOPLE)


def demand_each_kind(hits):
    names = {kind: {name for _, name in pairs} for kind, pairs in hits.items()}
    assert len(names["text"]) > 20
    assert len(names["id"]) > 5
    assert names["value"] == set(PEOPLE.values())


VALIDATION = "data/checkpoint/validation.csv"
"""A plot without a column of its own: DVC draws the last one, the headline of the task."""


def plotted(project, *names):
    """What `dvc plots show` draws: by plot, its rows and its specification without them."""
    found = {}
    for name, drawings in json.loads(project.run("dvc", "plots", "show", "--json", *names).stdout)[
        "data"
    ].items():
        for drawing in drawings:
            specification = drawing["content"]
            found[name] = specification.pop("data")["values"], json.dumps(specification)
    return found


def rows_of(project, name):
    with (project.root / f"data/evaluation/plots/{name}.csv").open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


def test_dvc_draws_the_curves_of_training_and_the_tables_of_evaluation(finished, tmp_path):
    drawn = plotted(finished.copy(tmp_path / "copy"))
    assert drawn.keys() == {"loss", VALIDATION, "labels", "confusion", "reliability"}
    assert '"field": "f1"' in drawn[VALIDATION][1]
    for name, columns in {"labels": ("f1", "label"), "confusion": ("actual", "predicted")}.items():
        rows, specification = drawn[name]
        assert [{**row, "rev": "workspace"} for row in rows_of(finished, name)] == rows != []
        assert all(f'"field": "{column}"' in specification for column in columns)
    assert '"type": "bar"' in drawn["labels"][1]
    assert '"op": "count"' in drawn["confusion"][1]
    rows, _ = drawn["reliability"]
    lines = {field: [row for row in rows if row["field"] == field] for field in ("accuracy", "confidence")}
    for field, line in lines.items():
        assert [row["dvc_inferred_y_value"] for row in line] == [
            row[field] for row in rows_of(finished, "reliability")
        ]
        assert len(line) > 2


def test_an_evaluation_without_any_mention_breaks_no_plot_of_another(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    folder = project.root / "data/evaluation/plots"
    shutil.rmtree(folder)
    write_plots(folder, evaluation([(example("d"), prediction("d"))]))
    assert (
        rows_of(project, "labels") == rows_of(project, "confusion") == rows_of(project, "reliability") == []
    )
    assert plotted(project).keys() == {"loss", VALIDATION}
    project.run("dvc", "plots", "show")
    page = (project.root / "dvc_plots/index.html").read_text(encoding="utf-8")
    assert "Loss on train" in page


def test_what_is_drawn_is_no_part_of_the_lock(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    pipeline, before = project.root / "dvc.yaml", lock(project)
    stages, _, plots = pipeline.read_text(encoding="utf-8").partition("\nplots:\n")
    assert "confusion" in plots
    pipeline.write_text(stages, encoding="utf-8")
    assert RUNNING.findall(project.run("dvc", "repro").stdout) == []
    assert lock(project) == before


def test_each_stage_has_one_finished_run_below_one_run_of_the_pipeline(finished):
    runs = stored_runs(finished)
    pipeline = [run for run in runs if run["dvc.kind"] == "pipeline"]
    stages = [run for run in runs if run["dvc.kind"] == "stage" and "dvc.outside" not in run]
    assert len(pipeline) == 1
    assert sorted(run["mlflow.runName"] for run in stages) == sorted(STAGES)
    assert {run["mlflow.parentRunId"] for run in stages} == {pipeline[0]["id"]}
    assert {run["status"] for run in runs} == {"FINISHED"}


def test_every_hash_of_the_lock_leads_to_the_run_that_made_it(finished):
    entries = YAML(typ="safe").load(finished.root / "dvc.lock")["stages"]
    runs = stored_runs(finished)
    for stage, entry in entries.items():
        for out in entry["outs"]:
            makers = [run["dvc.stage"] for run in runs if run.get(f"dvc.out.{out['path']}") == out["md5"]]
            assert makers == [stage], out["path"]


def stored_runs(project: Project) -> list[dict[str, str]]:
    """The tags of each run in the store, with its id and status."""
    database = f"file:{project.root}/.clintune/mlflow/mlflow.db?mode=ro"
    with sqlite3.connect(database, uri=True) as store:
        rows = store.execute("select run_uuid, status from runs")
        runs = {run: {"id": run, "status": status} for run, status in rows}
        for run, key, value in store.execute("select run_uuid, key, value from tags"):
            runs[run][key] = value
    store.close()
    return list(runs.values())
