"""dvc.yaml is honest: code, params and data of each stage are what the stage reads, no less and no more."""

import functools
import hashlib
import operator
import os
import runpy
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from unittest.mock import Mock

import pytest
from ruamel.yaml import YAML

from clintune.graph import TABLE, Stage, misdeclared, read_stages, section_table
from clintune.lockfile import is_code, read_lock
from clintune.params import Params
from clintune.recipes import recipe_file
from tests.project import is_default_run

ROOT = Path(__file__).parents[1]
STAGES = read_stages(ROOT)
PROJECT = ("src", "pipeline", "dvc.yaml", ".dvcignore", ".gitignore", ".dvc/config")

every_stage = pytest.mark.parametrize("stage", STAGES.values(), ids=list(STAGES))


def test_every_stage_lists_exactly_the_code_that_it_runs() -> None:
    assert misdeclared(ROOT) == {}, "make graph mends it"


@every_stage
def test_script_and_dvc_yaml_agree(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    run_stage = Mock()
    monkeypatch.setattr("clintune.stage.run_stage", run_stage)
    runpy.run_path(str(ROOT / f"{stage.script.replace('.', '/')}.py"), run_name="__main__")
    (name, _work), options = run_stage.call_args
    assert (stage.name, stage.script) == (name, f"pipeline.{name}")
    assert set(options["paths"]) == set(stage.paths)
    assert set(options["sections"]) == set(stage.params)


@every_stage
def test_paths_of_the_command_are_dependencies_or_outputs(stage: Stage) -> None:
    """Each path holds something declared, and everything declared lies in a path."""
    data = {dep for dep in stage.deps if dep not in stage.code and not dep.startswith("${")} | set(stage.outs)
    folders = set(stage.paths.values())
    assert {folder for folder in folders if any(inside(path, folder) for path in data)} == folders
    assert {path for path in data if any(inside(path, folder) for folder in folders)} == data


def inside(path: str, folder: str) -> bool:
    return PurePosixPath(path).is_relative_to(folder)


def test_the_committed_lock_is_of_this_code_and_these_params() -> None:
    """Otherwise the scores in the README are of something else: make repro, then commit dvc.lock."""
    if not is_default_run():
        pytest.skip("params.yaml is not the recipe synthetic, and dvc.lock need not be of it yet")
    params = YAML(typ="safe").load(ROOT / "params.yaml")
    lock = read_lock(ROOT / "dvc.lock")
    assert list(lock) == list(STAGES)
    for name, entry in lock.items():
        code = {dep["path"]: dep["md5"] for dep in entry["deps"] if is_code(dep["path"])}
        assert code.keys() >= set(STAGES[name].code), name
        assert code == {path: hashlib.md5((ROOT / path).read_bytes()).hexdigest() for path in code}, name
        for key, value in entry["params"]["params.yaml"].items():
            assert value == functools.reduce(operator.getitem, key.split("."), params), (name, key)


def test_what_a_stage_reads_another_stage_makes() -> None:
    made = [out for stage in STAGES.values() for out in stage.outs]
    read = {dep for stage in STAGES.values() for dep in stage.deps if dep.startswith("data/")}
    assert {dep for dep in read if not any(inside(dep, out) for out in made)} == set()


@every_stage
def test_git_ignores_each_output_by_its_path_but_not_the_metrics(stage: Stage) -> None:
    """By hand: DVC takes its own entries back when a later stage fails, and data would lie open to git."""
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    kept = {out for out in stage.outs if out.endswith("metrics.json")}
    assert {f"/{out}" for out in stage.outs} - set(ignored) == {f"/{out}" for out in kept}


def test_the_readme_has_the_table_of_sections() -> None:
    readme = ROOT / "README.md"
    found = TABLE.search(readme.read_text(encoding="utf-8")) if readme.exists() else None
    if found is None:
        pytest.skip("README.md has no place for the table")
    table = section_table(ROOT, list(Params.model_fields))
    assert found[0] == f"{found[1]}{table}{found[2]}", "make graph mends it"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the project in which DVC takes every stage for done, with stand-ins for the data."""
    root = tmp_path_factory.mktemp("dag")
    for name in PROJECT:
        source = ROOT / name
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, root / name)
    shutil.copy(recipe_file("synthetic"), root / "params.yaml")
    for stage in STAGES.values():
        for path in (*stage.outs, *(dep for dep in stage.deps if dep.startswith("data/"))):
            stand_in(root / path)
    subprocess.run(["git", "init", "-q", root], check=True)
    before = Path.cwd()
    os.chdir(root)
    try:
        from dvc.repo import Repo

        with Repo() as repo:
            repo.commit(force=True)
        yield root
    finally:
        os.chdir(before)


def stand_in(path: Path) -> None:
    """A file, or a folder with a file where the name has no suffix."""
    file = path if path.suffix else path / "stand-in"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(str(path.name))


def leaves(tree: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The keys down to each value that is no section; an empty section counts as a value."""
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from leaves(value, (*above, key))
    else:
        yield above


def other(value: Any) -> Any:
    """A different value of the same type."""
    if isinstance(value, bool):
        return not value
    changes = {int: lambda: value + 1, float: lambda: value / 2 + 0.001, str: lambda: f"{value}x",
               list: lambda: [*value, "x"], dict: lambda: {"x": "y"}, type(None): lambda: "x"}  # fmt: skip
    return changes[type(value)]()


def declaring(leaf: tuple[str, ...]) -> set[str]:
    """The stages that dvc.yaml says read this leaf: it, or a section around it."""
    around = {".".join(leaf[:length]) for length in range(1, len(leaf) + 1)}
    return {stage.name for stage in STAGES.values() if around & set(stage.params)}


@pytest.fixture
def stale(finished: Path) -> Iterator[Callable[[], set[str]]]:
    """The stages that DVC finds changed, by its own word; what only follows from them does not count."""
    from dvc.repo import Repo, lock_repo

    with Repo(str(finished)) as repo, lock_repo(repo):  # within the lock, dvc.yaml and dvc.lock are read once
        yield lambda: set(repo.status())


def test_a_finished_pipeline_is_not_stale(stale: Callable[[], set[str]]) -> None:
    assert stale() == set()


def test_changing_any_leaf_of_the_params_makes_exactly_the_stages_stale_that_declare_it(
    finished: Path, stale: Callable[[], set[str]]
) -> None:
    file = finished / "params.yaml"
    text = file.read_text(encoding="utf-8")
    yaml = YAML(typ="safe", pure=True)
    wrong = {}
    for leaf in leaves(yaml.load(text)):
        tree = yaml.load(text)
        section = tree
        for key in leaf[:-1]:
            section = section[key]
        section[leaf[-1]] = other(section[leaf[-1]])
        yaml.dump(tree, file)
        found, expected = stale(), declaring(leaf)
        if found != expected or not expected:
            wrong[".".join(leaf)] = (found, expected)
    file.write_text(text, encoding="utf-8")
    assert wrong == {}
