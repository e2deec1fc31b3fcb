"""clintune use: params.yaml becomes the recipe, and nothing is lost."""

import json
import subprocess
from pathlib import Path

import pytest

from clintune.cli import main
from clintune.cli.use import use
from clintune.errors import UserError
from clintune.params import load_params
from clintune.recipes import RECIPES, recipe_file

SYNTHETIC = recipe_file("synthetic").read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A git repository with a committed params.yaml: the synthetic recipe."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "params.yaml").write_text(SYNTHETIC, encoding="utf-8")
    git(root, "init", "-q")
    git(root, "add", "params.yaml")
    git(root, "commit", "-q", "-m", "first")
    return root


def git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(root), *who, *arguments], check=True)


@pytest.mark.parametrize("name", RECIPES)
def test_the_file_is_the_recipe_to_the_letter(project: Path, name: str) -> None:
    use(name, corpus=None, root=project)
    assert (project / "params.yaml").read_bytes() == recipe_file(name).read_bytes()


def test_every_changed_key_is_named_with_old_and_new_value(project: Path) -> None:
    epochs = load_params(recipe_file("synthetic")).train.epochs
    edited = SYNTHETIC.replace(f"  epochs: {epochs}\n", "  epochs: 9\n")
    (project / "params.yaml").write_text(edited, encoding="utf-8")
    (change,) = use("synthetic", corpus=None, root=project).changes
    assert (change.key, change.old, change.new) == ("train.epochs", "9", str(epochs))


def test_the_same_recipe_again_changes_nothing(project: Path) -> None:
    assert use("synthetic", corpus=None, root=project).changes == ()


@pytest.mark.parametrize("odd", ["plain", "with blank", "1", "a: b # c", "ключ", "it's", '"quoted"', "{x}"])
def test_a_corpus_outside_is_stored_by_its_absolute_path(project: Path, tmp_path: Path, odd: str) -> None:
    corpus = tmp_path / odd
    corpus.mkdir()
    use("bc5cdr", corpus=corpus, root=project)
    assert load_params(project / "params.yaml").ingest.path == str(corpus.resolve())


def test_a_corpus_inside_is_stored_relative_and_the_user_told_of_temporary_experiments(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "corpora").mkdir()
    monkeypatch.chdir(project)
    chosen = use("bc5cdr", corpus=Path("corpora").absolute(), root=Path())
    assert load_params(project / "params.yaml").ingest.path == "corpora"
    assert any("--temp" in note for note in chosen.notes)


def test_only_the_line_of_the_path_differs_from_the_recipe(project: Path, tmp_path: Path) -> None:
    use("bc5cdr", corpus=tmp_path, root=project)
    before = recipe_file("bc5cdr").read_text(encoding="utf-8").splitlines()
    after = (project / "params.yaml").read_text(encoding="utf-8").splitlines()
    differing = [new for old, new in zip(before, after, strict=True) if old != new]
    assert [line.split(":")[0].strip() for line in differing] == ["path"]


def test_a_committed_params_file_is_not_copied(project: Path) -> None:
    assert use("bc5cdr", corpus=None, root=project).kept is None


@pytest.mark.parametrize("content", ["train: {epochs: 3}\n", "seed: [\n", "", SYNTHETIC + "# a note\n"])
def test_a_params_file_in_no_commit_is_kept(project: Path, content: str) -> None:
    (project / "params.yaml").write_text(content, encoding="utf-8")
    kept = use("bc5cdr", corpus=None, root=project).kept
    assert kept is not None
    assert (project / kept).read_text(encoding="utf-8") == content


def test_a_params_file_staged_but_not_committed_is_kept(project: Path) -> None:
    (project / "params.yaml").write_text(SYNTHETIC + "# a note\n", encoding="utf-8")
    git(project, "add", "params.yaml")
    assert use("bc5cdr", corpus=None, root=project).kept is not None


@pytest.mark.parametrize("bit", ["--assume-unchanged", "--skip-worktree"])
def test_a_params_file_that_git_was_told_to_overlook_is_kept(project: Path, bit: str) -> None:
    git(project, "update-index", bit, "params.yaml")
    (project / "params.yaml").write_text(SYNTHETIC + "# a note\n", encoding="utf-8")
    kept = use("bc5cdr", corpus=None, root=project).kept
    assert kept is not None
    assert (project / kept).read_text(encoding="utf-8") == SYNTHETIC + "# a note\n"


def test_without_git_the_params_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("seed: 1\n", encoding="utf-8")
    assert use("bc5cdr", corpus=None, root=tmp_path).kept is not None


def test_without_a_params_file_there_is_one_afterwards(tmp_path: Path) -> None:
    use("bc5cdr", corpus=None, root=tmp_path)
    assert load_params(tmp_path / "params.yaml").export.name == "clintune-bc5cdr"


def test_an_invalid_params_file_is_replaced_and_said_to_be_invalid(project: Path) -> None:
    (project / "params.yaml").write_text("seed: nine\n", encoding="utf-8")
    assert any("not valid" in note for note in use("synthetic", corpus=None, root=project).notes)


@pytest.mark.parametrize(("recipe", "corpus"), [("bc5cdr", "nowhere"), ("synthetic", "."), ("nothing", None)])
def test_a_users_error_leaves_the_params_file_alone(project: Path, recipe: str, corpus: str | None) -> None:
    with pytest.raises(UserError):
        use(recipe, corpus=None if corpus is None else project / corpus, root=project)
    assert (project / "params.yaml").read_text(encoding="utf-8") == SYNTHETIC
    assert sorted(path.name for path in project.iterdir()) == [".git", "params.yaml"]


def test_where_no_corpus_lies_the_next_step_says_so(project: Path) -> None:
    assert any("--corpus" in note for note in use("bc5cdr", corpus=None, root=project).notes)


def test_a_program_may_read_the_changes(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "dvc.yaml").touch()
    monkeypatch.chdir(project)
    assert main(["use", "bc5cdr", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {"key": "export.name", "old": '"clintune-synthetic"', "new": '"clintune-bc5cdr"'} in said[
        "changes"
    ]
