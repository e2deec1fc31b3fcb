"""Column for column, what MLflow's database holds of a sealed run: its change is named, or is listed here."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.evidence.verification import verified_quickly
from tests.tampering import Scene

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(1200)]

RUN = "(SELECT run_uuid FROM runs WHERE name = 'export')"
PARENT = f"(SELECT value FROM tags WHERE key = 'mlflow.parentRunId' AND run_uuid = {RUN})"
MODEL = f"(SELECT model_id FROM logged_models WHERE source_run_id = {RUN})"
INPUT = f"(SELECT input_uuid FROM inputs WHERE source_type = 'DATASET' AND destination_id = {RUN})"
OUTPUT = f"source_id = {RUN} AND destination_id IN {MODEL}"
DATA = f"(SELECT source_id FROM inputs WHERE input_uuid IN {INPUT})"
EXPERIMENT = f"experiment_id = (SELECT experiment_id FROM runs WHERE run_uuid = {RUN})"
OF_RUNS = ("runs", "params", "tags", "metrics", "latest_metrics")
ROWS = [
    *((table, f"run_uuid = {RUN}") for table in OF_RUNS),
    ("inputs", f"input_uuid IN {INPUT}"), ("inputs", OUTPUT), ("input_tags", f"input_uuid IN {INPUT}"),
    ("datasets", f"dataset_uuid IN {DATA}"),
    *((f"logged_model{part}", f"model_id IN {MODEL}") for part in ("s", "_params", "_tags")),
    ("model_versions", f"run_id = {RUN}"), ("model_version_tags", "1"), ("registered_models", "1"),
    ("registered_model_aliases", "1"), ("experiments", EXPERIMENT), ("experiment_tags", EXPERIMENT),
]  # fmt: skip
OF_EXECUTIONS = [(table, f"run_uuid = {PARENT}") for table in OF_RUNS]
OTHER = {"status": "KILLED", "lifecycle_stage": "deleted", "source_type": "LOCAL"}
"""Where the schema allows but a few words."""
SILENT = {
    "runs": {"source_type", "source_name", "entry_point_name", "source_version", "deleted_time"},
    "inputs": {"input_uuid", "source_type", "step"},
    "datasets": {"experiment_id"},
    "logged_models": {"creation_timestamp_ms", "last_updated_timestamp_ms", "status_message"},
    "logged_model_params": {"experiment_id"},
    "logged_model_tags": {"experiment_id"},
    "model_versions": {"creation_time", "last_updated_time", "user_id", "current_stage", "status_message"},
    "registered_models": {"creation_time", "last_updated_time", "description"},
    "registered_model_aliases": {"alias", "version", "name", "workspace"},
    "experiments": {"name", "artifact_location", "creation_time", "last_update_time"},
    "experiment_tags": {"key", "value", "experiment_id"},
}
"""What MLflow shows nowhere of a run, what people are free to say or to move, and when a model was made."""


SILENT_OF_EXECUTIONS = {"runs": SILENT["runs"] | {"start_time", "status"}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "listed"), [(ROWS, SILENT), (OF_EXECUTIONS, SILENT_OF_EXECUTIONS)], ids=["stage", "execution"]
)
def test_a_change_of_any_column_is_named_but_of_those_that_are_listed(place: Scene, rows, listed):
    silent = dict[str, set[str]]()
    for table, row in rows:
        for column in columns(place, table):
            if changed(place, table, column, row) and not noticed(place):
                silent.setdefault(table, set()).add(column)
            place.restore()
    assert silent == listed


@pytest.mark.slow
def test_so_is_a_row_that_was_taken_away(place: Scene):
    silent = set()
    for table, row in ROWS:
        place.query(f"DELETE FROM {table} WHERE rowid = (SELECT min(rowid) FROM {table} WHERE {row})")
        if not noticed(place):
            silent.add(table)
        place.restore()
    assert silent == {"registered_model_aliases", "experiment_tags"}


def columns(scene: Scene, table: str) -> Iterator[str]:
    return (name for _, name, *_ in scene.query(f"PRAGMA table_info({table})"))


def changed(scene: Scene, table: str, column: str, row: str) -> bool:
    """Whether the database took another value in that place."""
    [(place, before), *_] = scene.query(f"SELECT rowid, {column} FROM {table} WHERE {row} ORDER BY rowid")
    with closing(sqlite3.connect(scene.database)) as store:
        for value in (another(before), OTHER.get(column)):
            try:
                with store:
                    store.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, place))
                    return True
            except sqlite3.IntegrityError:
                continue
    return False


def another(value: Any) -> Any:
    return value + 1 if isinstance(value, int | float) else f"{value or ''}x"


def noticed(scene: Scene) -> bool:
    """Named, or in the way of any verification."""
    try:
        return bool(verified_quickly(scene.project))
    except AssertionError:  # which says what was raised in place of an answer
        return True
