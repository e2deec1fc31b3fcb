"""No stage reads what dvc.yaml does not declare, and none declares a param that it does not read."""

import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from clintune.graph import read_stages
from tests.project import ROOT, Project
from tests.trace_params import leaves

STAGES = list(read_stages(ROOT))
# Not the pipeline's: git's and DVC's own records, the tracking store, the environment, the tracer itself.
ELSEWHERE = (".git", ".dvc", ".clintune", ".venv", "tests/")
NOT_HERE = {
    "ingest.source": "validation binds it to ingest.synthetic, which is what ingest looks at",
    "ingest.include": "for files",
    "preprocess.conll": "for columns",
    "preprocess.table": "for csv, tsv and parquet",
    "evaluate.baselines": "for tasks on whole texts",
    "preprocess.split.by": "the type of the section says it",
    "preprocess.split.test": "what train and validation leave; validation insists on it",
    "model.revision": "for the Hub",
}
"""Declared, and of no use to the stage for a synthetic corpus and a packaged model."""
IDLE = {"pretrain": {"seed"}}
"""The default has no encoder of its own to make."""

OPENED = re.compile(r'^(\d+) +open(?:at)?\((?:[^,"]*, )?"([^"]+)", ([A-Z_|0-9]+)', re.MULTILINE)
FORKED = re.compile(r"^(\d+) +(?:<\.\.\. )?(?:clone3?|v?fork)\b.*= (\d+)$", re.MULTILINE)
SENDER = re.compile(r'^(\d+) +execve\(.*"clintune\.tracking\.sender"', re.MULTILINE)

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Trace:
    """What one stage opened of the project, by strace (native code too), and the params that it looked at."""

    files: frozenset[str]
    params: frozenset[str]


@pytest.fixture(scope="module")
def trace_of(finished: Project, tmp_path_factory) -> Callable[[str], Trace]:
    """Run a stage by hand, once, under both tracers."""
    copy = finished.copy(tmp_path_factory.mktemp("traced") / "project")
    # Nobody listens at this port: what the sender does is not looked at, and to trace it takes longest.
    project = Project(copy.root, {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})
    project.run("git", "status")  # or the stage's own git reads every file, for a copy has other times

    @cache
    def trace(stage: str) -> Trace:
        folder = tmp_path_factory.mktemp(stage)
        log, out = folder / "strace.log", folder / "params.json"
        calls = "trace=open,openat,execve,clone,clone3,fork,vfork"
        strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-s", "4096", "-e", calls, "-o", str(log)]
        successful = ["-e", "status=successful"]
        tracers = [*strace, *successful, "python", "-m", "tests.trace_params", str(out)]
        project.run(*tracers, *arguments(project, stage))
        files = opened(project.root, log.read_text(errors="replace"))
        return Trace(files, frozenset(json.loads(out.read_text())))

    return trace


def declared(project: Project, stage: str) -> dict:
    return YAML(typ="safe").load(project.root / "dvc.lock")["stages"][stage]


def arguments(project: Project, stage: str) -> list[str]:
    return shlex.split(declared(project, stage)["cmd"])[2:]


def source(path: Path) -> Path:
    """The module that a compiled file stands for."""
    if path.parent.name == "__pycache__":
        return path.parents[1] / f"{path.name.split('.')[0]}.py"
    return path


def opened(root: Path, log: str) -> frozenset[str]:
    """The files of the project that a stage opened to read; not what the sender of records did beside it."""
    senders = set(SENDER.findall(log))
    for parent, child in FORKED.findall(log):
        if parent in senders:
            senders.add(child)
    names = set()
    for process, name, mode in OPENED.findall(log):
        path = source((root / name).resolve())
        readable = "O_RDONLY" in mode and "O_DIRECTORY" not in mode and path.is_file()
        if process not in senders and readable and path.is_relative_to(root):
            names.add(str(path.relative_to(root)))
    return frozenset(name for name in names if not name.startswith(ELSEWHERE))


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: files cannot be traced")
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_opens_no_file_of_the_project_that_dvc_does_not_know(finished, trace_of, stage):
    entry = declared(finished, stage)
    known = [one["path"] for one in (*entry["deps"], *entry["outs"])]
    # The whole of params.yaml is validated by every stage; which keys it reads is the next test's matter.
    # dvc.yaml and dvc.lock are DVC's, read to compute the hash of the entry.
    allowed = {"params.yaml", "dvc.yaml", "dvc.lock", ".dvcignore", ".gitignore"}
    stray = {
        name for name in trace_of(stage).files - allowed
        if not any(name == path or name.startswith(f"{path}/") for path in known)
    }  # fmt: skip
    assert stray == set()


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: one run does both")
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_looks_at_the_params_that_dvc_declares_and_no_others(finished, trace_of, stage):
    names, looked_at = flat(declared(finished, stage)["params"]["params.yaml"]), trace_of(stage).params
    assert looked_at <= names
    assert names - looked_at <= NOT_HERE.keys() | IDLE.get(stage, set())


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


def test_this_interpreter_is_the_one_of_the_stages(finished):
    found = finished.run("python", "-c", "import sys; print(sys.prefix)").stdout.strip()
    assert found == sys.prefix
