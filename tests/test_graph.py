"""Which code a stage runs, read from small projects made here."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from clintune.errors import UserError
from clintune.graph import misdeclared, read_stages, rewrite_pipeline, section_table
from clintune.imports import Source

DVC_YAML = """\
# a comment at the top
stages:
  one:
    desc: the first
    cmd: >-
      python -m pipeline.one --raw data/raw
      --examples data/examples
    params:
    - seed
    - first.size
    deps:
    - ${first.path} # the corpus
    - data/raw
    - src/clintune/gone.py
    - src/clintune/zeta.py  # stays
    outs:
    - data/examples
    metrics:
    - data/metrics.json:
        cache: false
"""

Project = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Write a project of these files, `src/clintune/` and its `__init__.py` understood."""

    def write(files: Mapping[str, str]) -> Path:
        always = {"pipeline/__init__.py": "", "pipeline/one.py": "", "src/clintune/__init__.py": ""}
        for name, text in (always | dict(files)).items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return tmp_path

    return write


def runs(root: Path) -> set[str]:
    """What pipeline.one imports, without what every stage has."""
    always = {"pipeline/__init__.py", "pipeline/one.py", "src/clintune/__init__.py"}
    return set(Source(root).closure("pipeline.one")) - always


@pytest.mark.parametrize(
    "statement",
    [
        "import clintune.part",
        "import clintune.part as other",
        "from clintune import part",
        "from clintune.part import thing",
        "def later():\n    from clintune.part import thing",
        "if True:\n    import clintune.part",
        "try:\n    import clintune.part\nexcept ImportError: ...",
    ],
)
def test_an_import_counts_in_every_form_and_place(project: Project, statement: str) -> None:
    root = project({"pipeline/one.py": statement, "src/clintune/part.py": "thing = 1"})
    assert runs(root) == {"src/clintune/part.py"}


def test_an_import_for_the_type_checker_alone_does_not_count(project: Project) -> None:
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import clintune.part"
    assert runs(project({"pipeline/one.py": text, "src/clintune/part.py": ""})) == set()


def test_imports_are_followed_as_far_as_they_go(project: Project) -> None:
    files = {
        "pipeline/one.py": "import clintune.a",
        "src/clintune/a.py": "import clintune.b",
        "src/clintune/b.py": "import clintune.a, clintune.c",
        "src/clintune/c.py": "",
        "src/clintune/unused.py": "import clintune.a",
    }
    assert runs(project(files)) == {f"src/clintune/{name}.py" for name in "abc"}


def test_relative_imports_are_resolved_in_modules_and_in_packages(project: Project) -> None:
    files = {
        "pipeline/one.py": "import clintune.box.deep",
        "src/clintune/box/__init__.py": "from .side import x",
        "src/clintune/box/side.py": "x = 1",
        "src/clintune/box/deep.py": "from .. import top\nfrom ..far.end import y\nfrom . import near",
        "src/clintune/box/near.py": "",
        "src/clintune/top.py": "",
        "src/clintune/far/__init__.py": "",
        "src/clintune/far/end.py": "y = 1",
    }
    below = ("box/__init__", "box/side", "box/deep", "box/near", "top", "far/__init__", "far/end")
    assert runs(project(files)) == {f"src/clintune/{name}.py" for name in below}


def test_a_data_file_counts_for_the_module_that_names_it(project: Project) -> None:
    files = {
        "pipeline/one.py": "import clintune.box.page",
        "src/clintune/box/__init__.py": "",
        "src/clintune/box/page.py": "FILE = 'pages/report.html'",
        "src/clintune/box/pages/report.html": "",
        "src/clintune/box/pages/other.html": "",
        "src/clintune/report.html": "",
    }
    assert {file for file in runs(project(files)) if file.endswith("html")} == {
        "src/clintune/box/pages/report.html"
    }


def test_a_stage_is_read_as_dvc_yaml_says_it(project: Project) -> None:
    stage = read_stages(project({"dvc.yaml": DVC_YAML}))["one"]
    assert stage.script == "pipeline.one"
    assert stage.paths == {"raw": "data/raw", "examples": "data/examples"}
    assert stage.params == ("seed", "first.size")
    assert stage.outs == ("data/examples", "data/metrics.json")
    assert stage.code == {"src/clintune/gone.py", "src/clintune/zeta.py"}


@pytest.mark.parametrize(
    "text", ["", "stages: 3", "stages: {one: {}}", "stages: {one: {cmd: 3}}", "a: [", "é: 1"]
)
def test_a_pipeline_of_another_shape_is_a_users_error(project: Project, text: str) -> None:
    with pytest.raises(UserError, match=r"dvc\.yaml"):
        read_stages(project({"dvc.yaml": text}))


def test_a_missing_pipeline_is_a_users_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="project's folder"):
        read_stages(tmp_path)


def test_rewriting_mends_the_code_and_leaves_every_other_letter(project: Project) -> None:
    files = {
        "dvc.yaml": DVC_YAML,
        "pipeline/one.py": "import clintune.beta, clintune.zeta",
        "src/clintune/beta.py": "",
        "src/clintune/zeta.py": "",
    }
    root = project(files)
    added = ["pipeline/__init__.py", "pipeline/one.py", "src/clintune/__init__.py", "src/clintune/beta.py"]
    assert misdeclared(root) == {"one": (added, ["src/clintune/gone.py"])}
    rewrite_pipeline(root)
    assert misdeclared(root) == {}
    lines = "".join(f"    - {name}\n" for name in added)
    assert (root / "dvc.yaml").read_text() == DVC_YAML.replace("    - src/clintune/gone.py\n", lines)


def test_rewriting_what_is_right_changes_nothing(project: Project) -> None:
    root = project({"dvc.yaml": DVC_YAML})
    rewrite_pipeline(root)
    once = (root / "dvc.yaml").read_bytes()
    rewrite_pipeline(root)
    assert (root / "dvc.yaml").read_bytes() == once


def test_the_table_names_whole_sections_and_single_keys(project: Project) -> None:
    table = section_table(project({"dvc.yaml": DVC_YAML}), ["seed", "first", "other"])
    assert table.splitlines() == [
        "| section | `one` |",
        "| --- | :-: |",
        "| `seed` | ✓ |",
        "| `first` | `path`, `size` |",
        "| `other` |  |",
    ]
