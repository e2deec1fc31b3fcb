"""clintune replay: a run comes out again from a clone, or the first place where it does not is named."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

from clintune.evidence.replaying.certificate import METRICS, PREDICTIONS, Certificate, certify
from clintune.evidence.replaying.rerun import Replayed, can_cut_off
from clintune.evidence.verification.observing import ledger_in
from clintune.sealing.hashing import sums
from tests.project import Project
from tests.tampering import scene_of

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def project(finished: Project, tmp_path_factory) -> Project:
    """After one run of everything, committed."""
    scene = scene_of(finished, tmp_path_factory.mktemp("replayed"))
    scene.project.commit("what came out")
    return scene.project


def replayed(project: Project, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = project.run("clintune", "replay", *arguments, "--json", ok=False, timeout=500)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_run_comes_out_again_elsewhere_bit_by_bit_and_the_certificate_is_sealed(project, tmp_path):
    """Another folder, home, user, language, time zone; the variables of the first run are left behind."""
    there = tmp_path / "ünï code"
    there.mkdir()
    elsewhere = {"LC_ALL": "C", "LANG": "C", "TZ": "Pacific/Kiritimati", "TMPDIR": str(there), "USER": "x"}
    code, certificate = replayed(Project(project.root, elsewhere))
    assert (code, certificate["tier"], certificate["first"]) == (0, "bit-exact", None)
    assert certificate["outputs"]["same"] == certificate["outputs"]["all"] > 20
    assert certificate["environment"] == []
    assert certificate["numeric_class"] == {}
    assert certificate["commit"] == project.run("git", "rev-parse", "HEAD").stdout.strip()
    assert certificate["offline"] == can_cut_off()
    [(_, sealed)] = ledger_in(project.root / ".clintune/ledger").of_kind("certificate")
    assert sealed == certificate
    assert project.run("git", "status", "--porcelain").stdout == ""
    assert project.run("clintune", "verify").returncode == 0


def changed(record: dict[str, Any], *path: str, value: Any) -> dict[str, Any]:
    """A copy with another value at a place."""
    copy = json.loads(json.dumps(record))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return copy


@pytest.fixture
def records(project) -> dict[str, Any]:
    return {
        record["stage"]: record for _, record in ledger_in(project.root / ".clintune/ledger").of_kind("stage")
    }


def certified(project: Project, sealed: dict[str, Any], again: dict[str, Any], folder: Path) -> Certificate:
    return certify(Replayed("c" * 40, folder, sealed, again, True, 1.0), project.root)


def test_another_line_of_code_is_the_first_difference_and_makes_no_other_model(project, records, tmp_path):
    code = "src/clintune/training/losses.py"
    other = {"sha256": "0" * 64, "size": 1}
    again = {stage: changed(record, "inputs", code, value=other) if code in record["inputs"] else record
             for stage, record in records.items()}  # fmt: skip
    found = certified(project, records, again, tmp_path)
    assert (found.first.stage, found.first.kind, found.first.place) == ("pretrain", "input", code)
    assert found.tier == "bit-exact"


def test_another_param_is_named_with_both_values(project, records, tmp_path):
    train = changed(records["train"], "lock", "params", "params.yaml", "train", "epochs", value=7)
    found = certified(project, records, {**records, "train": train}, tmp_path)
    assert (found.first.place, found.first.where) == ("train.epochs", "was 6, is 7")


def test_another_package_and_another_processor_are_named(project, records, tmp_path):
    package = {"version": "1.0", "record_sha256": ""}
    other = {
        stage: changed(
            changed(record, "environment", "distributions", "numpy", value=package),
            "numeric_class", "numerics.cpu", value="A CPU",
        )
        for stage, record in records.items()
    }  # fmt: skip
    found = certified(project, records, other, tmp_path)
    assert [(one.place, one.again) for one in found.environment] == [("numpy", "1.0")]
    assert found.numeric_class["numerics.cpu"][1] == "A CPU"
    assert any(line.startswith("package numpy: was 2") for line in found.lines())


def tampered(
    project: Project, records: dict[str, Any], folder: Path, change: Callable[[Path], None]
) -> Certificate:
    """The verdict where a replay left other files: `change` makes them."""
    project.run("cp", "-a", "data", str(folder / "data"))
    change(folder)
    again = {
        stage: {**record, "outputs": sums(folder, record["outputs"])} for stage, record in records.items()
    }
    return certified(project, records, again, folder)


def test_other_weights_with_the_same_answers_are_predictions_exact_and_the_tensor_is_named(
    project, records, tmp_path
):
    def nudge(folder: Path) -> None:
        file = folder / "data/checkpoint/model.safetensors"
        tensors = load_file(file)
        name = min(tensors)
        tensors[name].flat[0] += 0.5
        save_file(tensors, file)

    found = tampered(project, records, tmp_path, nudge)
    assert found.tier == "predictions exact"
    assert (found.first.stage, found.first.kind) == ("train", "output")
    assert "1 of " in found.first.where
    assert "0.5 apart" in found.first.where


def test_other_answers_diverge_and_the_row_is_named(project, records, tmp_path):
    def drop(folder: Path) -> None:
        file = folder / PREDICTIONS
        table = pq.read_table(file)
        rows = table.to_pylist()
        rows[2]["target"], rows[2]["scores"] = [], []
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
        scores = json.loads((folder / METRICS).read_text())
        scores["strict"]["f1"] -= 0.1
        (folder / METRICS).write_text(json.dumps(scores))

    found = tampered(project, records, tmp_path, drop)
    assert found.tier == "diverged"
    rows = [one for one in found.lines() if one.startswith("first difference")]
    assert rows[0].startswith(f"first difference: stage evaluate, output {METRICS}: key strict.f1: ")


def test_a_commit_without_records_here_cannot_be_replayed(project, tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(project.root), str(clone)], check=True)
    done = Project(clone).run("clintune", "replay", ok=False)
    assert done.returncode == 2
    assert "no record here says how ingest" in done.stderr


def test_a_revision_that_there_is_not_is_one_line(project):
    done = project.run("clintune", "replay", "v9", ok=False)
    assert done.returncode == 2
    assert done.stderr.startswith("v9: git rev-parse failed")
    assert len(done.stderr.splitlines()) == 1
