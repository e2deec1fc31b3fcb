"""The copies of this repository that other tests run."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.corpora import write
from tests.project import copy_tree

PROJECT = {"src/clintune/__init__.py", "src/clintune/new.py", "dvc.yaml", ".dvc/config"}
BESIDE = {
    "data/evaluation/metrics.json",       # an output that git knows
    "data/bundle/model.onnx",             # one that it does not
    "dvc.lock",
    ".dvc/cache/files/md5/ab/c",
    "corpora/bc5cdr/train.txt",           # as large as it may be
    "corpora/ncbi.dvc",
    "src/clintune/__pycache__/new.pyc",
    ".venv/bin/python",
}  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write(tmp_path / "tree", dict.fromkeys(PROJECT | BESIDE, "x"))


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_a_copy_of_a_checkout_holds_the_project_with_what_is_new_in_it_and_no_data(tree, tmp_path):
    ignored = "/data/bundle\n.venv\n__pycache__\n/.dvc/cache\n"
    write(tree, {".gitignore": ignored, "gone.py": "", "notes/patient.txt": "x"})
    known = [".gitignore", "gone.py", "dvc.yaml", "dvc.lock", ".dvc", "src/clintune/__init__.py"]
    for command in (["init", "-q"], ["add", *known, "data", "corpora"]):
        subprocess.run(["git", "-C", str(tree), *command], check=True)
    (tree / "gone.py").unlink()
    copy_tree(tree, tmp_path / "copy")
    assert files(tmp_path / "copy") == {*PROJECT, ".gitignore"}


def test_without_git_the_copy_is_the_same(tree, tmp_path):
    copy_tree(tree, tmp_path / "copy")
    assert files(tmp_path / "copy") == PROJECT


def test_the_tests_of_a_module_run_in_one_process_where_there_are_several(request):
    """Else each process makes the module's projects anew: minutes, and no test fails. (It has happened.)"""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("the tests run in one process: there is nothing to group")
    assert request.node.nodeid.endswith("@test_project")
