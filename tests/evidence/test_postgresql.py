"""A pipeline whose records are in PostgreSQL: run, verified, edited in SQL, found, packed."""

import json
import zipfile
from collections.abc import Iterator

import pytest
import sqlalchemy

from tests.project import Project, make_project
from tests.tracking import postgresql

pytestmark = [
    pytest.mark.slow,
    pytest.mark.pipeline,
    pytest.mark.skipif(postgresql.programs() is None, reason="no PostgreSQL server is installed (initdb)"),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Iterator[Project]:
    with postgresql.served() as uri:
        project = make_project(tmp_path_factory.mktemp("database") / "project", MLFLOW_TRACKING_URI=uri)
        project.run("dvc", "repro", timeout=900)
        project.run("clintune", "send")
        yield project


def findings(project: Project) -> list[dict]:
    done = project.run("clintune", "verify", "--json", ok=False)
    return json.loads(done.stdout)["findings"]


def test_an_edit_in_sql_is_found_and_its_old_value_kept(project):
    assert findings(project) == []
    engine = sqlalchemy.create_engine(
        project.environment["MLFLOW_TRACKING_URI"], poolclass=sqlalchemy.NullPool
    )
    with engine.begin() as store:
        edited = store.exec_driver_sql(
            "UPDATE metrics SET value = 0.99 WHERE key = 'strict/f1' RETURNING run_uuid"
        ).rowcount
    assert edited >= 1
    named = [one["field"] for one in findings(project) if one["kind"] == "run"]
    assert any("strict/f1" in field for field in named)
    packed = project.run("clintune", "pack", "--output", "evidence.zip", ok=False)
    assert packed.returncode == 1  # with findings
    with zipfile.ZipFile(project.root / "evidence.zip") as pack:
        trail = [json.loads(line) for line in pack.read("audit_trail.jsonl").splitlines()]
    kept = [one for one in trail if one["action"] == "UPDATE" and one["place"] == "metrics"]
    assert len(kept) == edited
    assert {json.loads(one["after"])["value"] for one in kept} == {0.99}
    assert {one["by"] for one in kept} == {"owner"}
    with engine.begin() as store:
        store.exec_driver_sql("ALTER TABLE params DISABLE TRIGGER clintune_trail_params")
    assert ("trail", "clintune_trail_params") in {(one["kind"], one["field"]) for one in findings(project)}
