"""What git is asked."""

import shutil
import subprocess
from pathlib import Path

import pytest

from clintune.evidence.checklist.repository import read_repository
from clintune.evidence.git import between, blob, facts, written_by
from clintune.evidence.hidden import copying
from clintune.evidence.replaying.target import git
from tests.project import ROOT


def test_an_option_where_a_record_is_to_name_a_commit_does_nothing(tmp_path):
    option = f"--output={tmp_path}/written"
    assert facts(ROOT, option) is None
    assert blob(ROOT, option, "Makefile") is None
    assert written_by(ROOT, option) == set()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def ours(tmp_path) -> Path:
    """A repository with a branch that is checked out, and something staged."""
    root = tmp_path / "ours"
    for command in (
        ["init", "-qb", "main", str(root)],
        ["-C", str(root), "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x", "--allow-empty"],
    ):
        subprocess.run(["git", *command], check=True)
    (root / "staged").write_text("x")
    subprocess.run(["git", "-C", str(root), "add", "staged"], check=True)
    return root


def asked_of(root: Path) -> str:
    told = ["git", "-C", str(root), "status", "--porcelain", "--branch"]
    return subprocess.run(told, capture_output=True, text=True, check=True).stdout


def test_what_is_done_in_a_clone_is_done_to_no_other_repository(ours, tmp_path, monkeypatch):
    """Git says in hooks by a variable where its repository is: `clintune replay` left it without a branch."""
    before, clone = asked_of(ours), tmp_path / "clone"
    head = git(ours, "rev-parse", "HEAD", place="HEAD")
    with monkeypatch.context() as hook:
        hook.setenv("GIT_DIR", str(ours / ".git"))
        git(ours, "clone", "-q", "--no-checkout", str(ours), str(clone), place="clone")
        git(clone, "checkout", "-q", "--detach", head, place=head)
    assert before == asked_of(ours) == "## main\nA  staged\n"
    assert asked_of(clone) == "## HEAD (no branch)\n"


def test_what_is_staged_stays_so_where_a_copy_is_traced(ours, tmp_path, monkeypatch):
    before, copy = asked_of(ours), tmp_path / "copy"
    shutil.copytree(ours, copy, ignore=shutil.ignore_patterns(".git"))
    with monkeypatch.context() as hook:
        hook.setenv("GIT_DIR", str(ours / ".git"))
        copying._git(ours, copy)
    assert before == asked_of(ours)
    assert asked_of(copy).splitlines()[1:] == ["?? staged"]


@pytest.fixture
def told(ours, tmp_path) -> Path:
    """The same repository with two more commits, both signed."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    settings = {"user.name": "x", "user.email": "x@y", "gpg.format": "ssh", "user.signingkey": f"{key}.pub"}
    for name, value in settings.items():
        git(ours, "config", name, value, place=name)
    for subject in ("one", "two"):
        git(ours, "commit", "-q", "-S", "--allow-empty", "-m", subject, place="HEAD")
    return ours


def test_who_wants_to_see_signatures_gets_the_same_answers(told):
    """By `log.showSignature` git puts lines of its own between those that were asked for."""
    git(told, "config", "log.showSignature", "true", place="config")
    assert [one.subject for one in between(told, "HEAD~2", "HEAD")] == ["two", "one"]
    assert written_by(told, "HEAD") == {"x", "x@y"}


def test_a_graft_hides_no_commit(told):
    """It gives a commit other parents, and is no object that `--no-replace-objects` would pass over."""
    head, first = (git(told, "rev-parse", one, place=one) for one in ("HEAD", "HEAD~2"))
    (told / ".git/info").mkdir(exist_ok=True)
    (told / ".git/info/grafts").write_text(f"{head} {first}\n")
    assert git(told, "log", "--format=%s", f"{first}..{head}", place="HEAD") == "two"
    assert [one.subject for one in between(told, first, head)] == ["two", "one"]


def test_params_that_git_was_told_to_overlook_did_not_change_with_the_last_commit(told):
    """Else what people declared before they were changed would pass for what is said of them."""
    (told / "params.yaml").write_text("seed: 1\n")
    git(told, "add", "params.yaml", place="params.yaml")
    git(told, "commit", "-qm", "params", place="HEAD")
    assert read_repository(told, [], [], {}).params_since is not None
    git(told, "update-index", "--assume-unchanged", "params.yaml", place="params.yaml")
    (told / "params.yaml").write_text("seed: 2\n")
    assert read_repository(told, [], [], {}).params_since is None
