"""What a stage says of the code that it ran: which commit, and what no commit has."""

import subprocess
from pathlib import Path

import pytest

from clintune.working_tree import commit, unknown_code


@pytest.fixture
def tree(tmp_path) -> Path:
    """A repository with code in it, all committed."""
    for name in ("src/known.py", "pipeline/known.py", "copy.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    ours = ("git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@y")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*ours, *command], check=True)
    return tmp_path


def is_dirty(tree: Path) -> bool:
    found = commit(tree)
    assert found is not None
    return found.dirty


def test_what_is_committed_is_clean_whatever_else_lies_there(tree):
    for name in (
        "notes.py",
        "data/json.py",
        "table.csv",
        "src/__pycache__/known.cpython-311.pyc",
        "numpy.txt",
    ):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    (tree / ".git/info").mkdir(exist_ok=True)
    (tree / ".git/info/exclude").write_text("__pycache__\n")
    assert not is_dirty(tree)


def test_a_module_that_git_was_told_to_overlook_makes_it_dirty(tree):
    (tree / ".git/info").mkdir(exist_ok=True)
    (tree / ".git/info/exclude").write_text("src/*\n")
    (tree / "src/hidden.py").touch()
    assert is_dirty(tree)
    assert unknown_code(tree) == {"src/hidden.py"}


@pytest.mark.parametrize("name", ["json.py", "numpy/__init__.py", "torch.pyc", "google/protobuf/x.py"])
def test_a_module_in_the_project_that_stands_in_for_a_package_makes_it_dirty(tree, name):
    """`python -m` seeks in the folder where it is run before it seeks among what is installed."""
    (tree / ".gitignore").write_text(f"{name}\n.gitignore\n")
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).touch()
    assert is_dirty(tree)
    assert unknown_code(tree) == {name}


@pytest.mark.parametrize("bit", ["--assume-unchanged", "--skip-worktree"])
def test_a_change_that_git_was_told_to_overlook_makes_it_dirty(tree, bit):
    subprocess.run(["git", "-C", str(tree), "update-index", bit, "src/known.py"], check=True)
    assert not is_dirty(tree)
    (tree / "src/known.py").write_text("x = 1")
    assert is_dirty(tree)
    if bit == "--skip-worktree":  # as in a sparse checkout
        (tree / "src/known.py").unlink()
        assert not is_dirty(tree)


def test_in_a_hook_of_another_repository_it_is_the_tree_itself_that_is_asked(
    tree, tmp_path_factory, monkeypatch
):
    other = tmp_path_factory.mktemp("other")
    subprocess.run(["git", "init", "-q", str(other)], check=True)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert not is_dirty(tree)


def test_without_a_repository_there_is_no_commit(tmp_path):
    assert commit(tmp_path) is None
