"""What git is asked."""

import hashlib
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from clintune.errors import UserError
from clintune.evidence.checklist.repository import read_repository
from clintune.evidence.git import between, blob, facts, forged, is_cut_off, written_by
from clintune.evidence.hidden import copying
from clintune.evidence.replaying.rerun import cloned
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


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\x0c", "\x1e", "\x1f"])
def test_what_python_ends_a_line_at_ends_none_of_git(ours, end):
    """A subject that somebody pasted was a traceback; an author was two, none of them who then signs."""
    said = ["-c", f"user.name=Al{end}ice", "-c", "user.email=x@y", "commit", "-q", "--allow-empty"]
    git(ours, *said, "-m", f"one{end}two", place="HEAD")
    [found] = between(ours, "HEAD~1", "HEAD")
    assert (found.author, found.subject) == (f"Al{end}ice", f"one{end}two")
    assert found == facts(ours, "HEAD")
    assert written_by(ours, "HEAD") == {f"Al{end}ice", "x@y"}


def test_in_a_hook_of_a_worktree_a_project_below_others_is_found(ours, tmp_path, monkeypatch):
    """Git says there by a variable where its repository is, and takes each folder for the top of it."""
    (ours / "below").mkdir()
    (ours / "below/file").write_text("x")
    git(ours, "add", "below", place="below")
    git(ours, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "y", place="HEAD")
    git(ours, "worktree", "add", "-q", str(tmp_path / "tree"), place="tree")
    monkeypatch.setenv("GIT_DIR", git(tmp_path / "tree", "rev-parse", "--absolute-git-dir", place="tree"))
    assert blob(tmp_path / "tree/below", "HEAD", "file") == b"x"


def test_modules_that_git_was_told_to_overlook_are_counted(ours, tmp_path):
    """By `.git/info/exclude`, or by an ignore file that hides itself."""
    for name in ("src/sitecustomize.py", "pipeline/a/b.py", "src/known.txt", "src/__pycache__/c.pyc",
                 "src/.ipynb_checkpoints/d.py", "src/e.egg-info/top.txt"):  # fmt: skip
        (ours / name).parent.mkdir(parents=True, exist_ok=True)
        (ours / name).touch()
    (ours / "pipeline/a/.gitignore").write_text("*\n")
    (ours / "src/linked").symlink_to(tmp_path)
    (ours / ".git/info").mkdir(exist_ok=True)
    (ours / ".git/info/exclude").write_text("src/*\n!src/known.txt\n")
    found = read_repository(ours, [], [], {})
    assert found is not None
    assert found.unknown == ("pipeline/a/b.py", "src/known.txt", "src/linked", "src/sitecustomize.py")


def test_a_graft_hides_no_commit(told):
    """It gives a commit other parents, and is no object that `--no-replace-objects` would pass over."""
    head, first = (git(told, "rev-parse", one, place=one) for one in ("HEAD", "HEAD~2"))
    (told / ".git/info").mkdir(exist_ok=True)
    (told / ".git/info/grafts").write_text(f"{head} {first}\n")
    assert git(told, "log", "--format=%s", f"{first}..{head}", place="HEAD") == "two"
    assert [one.subject for one in between(told, first, head)] == ["two", "one"]


def test_a_list_of_commits_that_was_forged_hides_none(told):
    """Git keeps in `objects/info/commit-graph` who whose parent is, and believes it."""
    git(told, "commit", "-q", "--allow-empty", "-m", "three", place="HEAD")
    git(told, "commit-graph", "write", "--reachable", place="HEAD")
    second, first = (git(told, "rev-parse", one, place=one) for one in ("HEAD~1", "HEAD~3"))
    _give_parent(told / ".git/objects/info/commit-graph", bytes.fromhex(second), bytes.fromhex(first))
    assert git(told, "log", "--format=%s", f"{first}..HEAD", place="HEAD") == "three\ntwo"
    assert [one.subject for one in between(told, first, "HEAD")] == ["three", "two", "one"]


def _give_parent(graph: Path, child: bytes, parent: bytes) -> None:
    """As gitformat-commit-graph(5) has it: a table of chunks, of which two list commits and their parents."""
    content = bytearray(graph.read_bytes())
    table = [struct.unpack_from(">4sQ", content, 8 + 12 * number) for number in range(content[6] + 1)]
    listed, data = dict(table)[b"OIDL"], dict(table)[b"CDAT"]
    names = [bytes(content[at : at + 20]) for at in range(listed, data, 20)]
    struct.pack_into(">I", content, data + 36 * names.index(child) + 20, names.index(parent))
    content[-20:] = hashlib.sha1(content[:-20], usedforsecurity=False).digest()
    graph.chmod(0o644)
    graph.write_bytes(content)


def test_where_the_history_is_cut_off_it_is_said(told):
    """By a clone with a depth; or by hand, which hides commits as a graft does."""
    first = git(told, "rev-parse", "HEAD~2", place="HEAD~2")
    assert not is_cut_off(told)
    cut_off_at_head(told)
    assert [one.subject for one in between(told, first, "HEAD")] == ["two"]
    assert is_cut_off(told)


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-16"])
def test_who_sees_commits_in_another_encoding_gets_the_same_answers(ours, encoding):
    """Else a name is no longer that of its author, who then may approve."""
    git(ours, "-c", "user.name=José", "-c", "user.email=j@y", "commit", "-qm", "naïve", place="HEAD")
    git(ours, "config", "i18n.logOutputEncoding", encoding, place="config")
    assert written_by(ours, "HEAD") == {"José", "j@y"}
    assert [one.subject for one in between(ours, "HEAD~1", "HEAD")] == ["naïve"]


def commit_params(root: Path) -> None:
    (root / "params.yaml").write_text("seed: 1\n")
    git(root, "add", "params.yaml", place="params.yaml")
    git(root, "commit", "-qm", "params", place="HEAD")


def cut_off_at_head(root: Path) -> None:
    (root / ".git/shallow").write_text(git(root, "rev-parse", "HEAD", place="HEAD") + "\n")


def test_params_that_git_was_told_to_overlook_did_not_change_with_the_last_commit(told):
    """Else what people declared before they were changed would pass for what is said of them."""
    commit_params(told)
    assert read_repository(told, [], [], {}).params_since is not None
    git(told, "update-index", "--assume-unchanged", "params.yaml", place="params.yaml")
    (told / "params.yaml").write_text("seed: 2\n")
    assert read_repository(told, [], [], {}).params_since is None


def test_where_the_history_is_cut_off_git_does_not_know_when_params_changed(told):
    """It says the day of the first commit that it has: what people declared before would pass for stale."""
    commit_params(told)
    git(told, "commit", "-q", "--allow-empty", "-m", "later", place="HEAD")
    cut_off_at_head(told)
    assert read_repository(told, [], [], {}).params_since is None


@pytest.mark.parametrize("name", ["HEAD", "HEAD^{tree}", "HEAD:staged"])
def test_an_object_that_is_not_what_its_name_says_is_named_and_never_replayed(told, tmp_path, name):
    """Git shows whatever lies in a loose object: an author, or code, that nobody committed."""
    assert forged(told) == ()
    head, sha = (git(told, "rev-parse", one, place=one) for one in ("HEAD", name))
    file = told / ".git/objects" / sha[:2] / sha[2:]
    kind, _, content = zlib.decompress(file.read_bytes()).partition(b"\0")
    file.chmod(0o644)
    file.write_bytes(zlib.compress(kind + b"\0" + content.swapcase()))
    assert sha in "".join(forged(told)).replace("/", "")
    with pytest.raises(UserError):
        cloned(told, head, tmp_path / "clone")
    assert not (tmp_path / "clone/staged").exists()
