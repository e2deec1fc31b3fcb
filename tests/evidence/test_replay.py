"""clintune replay: a run comes out again from a clone, or the first place where it does not is named."""

import json
import subprocess
from typing import Any

import pytest

from clintune.evidence.chain import Chain
from clintune.evidence.replaying import can_cut_off
from tests.project import Project, make_project

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]

SHORT = {"train": {"epochs": 1}, "evaluate": {"resamples": 5}}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """After one run of everything, committed."""
    made = make_project(tmp_path_factory.mktemp("replayed") / "project", SHORT)
    made.run("dvc", "repro", timeout=500)
    made.commit("what came out")
    return made


def replayed(project: Project, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = project.run("clintune", "replay", *arguments, "--json", ok=False, timeout=500)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_run_comes_out_again_bit_by_bit_and_the_certificate_is_sealed(project):
    code, certificate = replayed(project)
    assert (code, certificate["tier"], certificate["first"]) == (0, "bit-exact", None)
    assert certificate["outputs"]["same"] == certificate["outputs"]["all"] > 20
    assert certificate["environment"] == []
    assert certificate["numeric_class"] == {}
    assert certificate["commit"] == project.run("git", "rev-parse", "HEAD").stdout.strip()
    assert certificate["offline"] == can_cut_off()
    [(_, sealed)] = Chain.of(project.root / ".clintune/ledger").sealed("certificate")
    assert sealed == certificate
    assert project.run("git", "status", "--porcelain").stdout == ""
    assert project.run("clintune", "verify").returncode == 0


def test_a_code_that_is_not_the_one_that_ran_is_the_first_difference(project, tmp_path):
    """The commit that is named has another line than the one that made the record."""
    copy = project.copy(tmp_path / "copy")
    code = copy.root / "src/clintune/training/losses.py"
    code.write_text(code.read_text() + "# one more line\n")
    copy.commit("another line")
    _, certificate = replayed(copy)
    first = certificate["first"]
    assert (first["stage"], first["kind"], first["place"]) == (
        "pretrain", "input", "src/clintune/training/losses.py")  # fmt: skip
    assert certificate["tier"] == "bit-exact", "a comment makes no other model"


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
