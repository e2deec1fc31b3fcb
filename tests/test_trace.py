"""No stage reads what dvc.yaml does not declare, and none declares a param that it does not read."""

import json
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.project import Project, make_project
from tests.trace_params import leaves

STAGES = ("ingest", "preprocess", "tokenize", "train", "evaluate", "export")
# Not the pipeline's: git's and DVC's own records, the tracking store, the environment.
ELSEWHERE = (".git", ".dvc", ".clintune", ".venv")
OPENED = re.compile(r'open(?:at)?\((?:[^,"]*, )?"([^"]+)", ([A-Z_|0-9]+)')

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> Project:
    project = make_project(tmp_path_factory.mktemp("traced") / "project")
    project.run("dvc", "repro", timeout=500)
    return project


def declared(project: Project, stage: str) -> dict:
    return YAML(typ="safe").load(project.root / "dvc.lock")["stages"][stage]


def arguments(project: Project, stage: str) -> list[str]:
    return shlex.split(declared(project, stage)["cmd"])[2:]


def source(path: Path) -> Path:
    """The module that a compiled file stands for."""
    if path.parent.name == "__pycache__":
        return path.parents[1] / f"{path.name.split('.')[0]}.py"
    return path


def files_read(project: Project, stage: str, log: Path) -> set[str]:
    """The project's files that the stage opened for reading, by strace: native code too."""
    project.run("strace", "-f", "-qq", "-e", "trace=open,openat", "-e", "status=successful", "-o", str(log),
                "python", "-m", *arguments(project, stage))  # fmt: skip
    found = set()
    for name, mode in OPENED.findall(log.read_text(errors="replace")):
        path = source((project.root / name).resolve())
        if (
            "O_RDONLY" in mode
            and "O_DIRECTORY" not in mode
            and path.is_file()
            and path.is_relative_to(project.root)
        ):
            found.add(str(path.relative_to(project.root)))
    return {name for name in found if not name.startswith(ELSEWHERE)}


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: files cannot be traced")
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_opens_no_file_of_the_project_that_dvc_does_not_know(ran, stage, tmp_path):
    entry = declared(ran, stage)
    known = [one["path"] for one in (*entry["deps"], *entry["outs"])]
    # The whole of params.yaml is validated by every stage; which keys it reads is the next test's matter.
    # dvc.yaml and dvc.lock are DVC's, read to compute the hash of the entry.
    allowed = {"params.yaml", "dvc.yaml", "dvc.lock", ".dvcignore", ".gitignore"}
    stray = {
        name for name in files_read(ran, stage, tmp_path / "strace.log") - allowed
        if not any(name == path or name.startswith(f"{path}/") for path in known)
    }  # fmt: skip
    assert stray == set()


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_reads_exactly_the_params_that_dvc_declares(ran, stage, tmp_path):
    out = tmp_path / "params.json"
    ran.run("python", "-m", "tests.trace_params", str(out), *arguments(ran, stage))
    read = set(json.loads(out.read_text()))
    assert read == flat(declared(ran, stage)["params"]["params.yaml"])


def flat(tree: dict, prefix: str = "") -> set[str]:
    """Dotted names of the leaves; an empty mapping or list, and a mapping by file name, are leaves."""
    found = set()
    for name, value in tree.items():
        key = f"{prefix}{name}"
        nested = isinstance(value, dict) and value and key not in {"ingest.sha256", "preprocess.labels"}
        found |= flat(value, f"{key}.") if nested else {key}
    return found


def test_the_trace_sees_a_leaf_that_is_read_and_no_other(shipped):
    from clintune.params import Section
    from tests.trace_params import watch

    original, seen = Section.__getattribute__, set()
    try:
        watch(shipped, seen)
        assert shipped.train.epochs
        shipped.tokenize.model_dump()
    finally:
        Section.__getattribute__ = original
    assert seen == {"train.epochs", *leaves(shipped.tokenize, "tokenize.")}


def test_this_interpreter_is_the_one_of_the_stages(ran):
    found = ran.run("python", "-c", "import sys; print(sys.prefix)").stdout.strip()
    assert found == sys.prefix
