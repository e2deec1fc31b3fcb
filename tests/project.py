"""A copy of this repository with a model and notes so small that real DVC runs it in a minute."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from clintune.recipes import recipe_file
from clintune.tracking.home import Home
from clintune.tracking.moving import bring_along

ROOT = Path(__file__).parents[1]
SMALL = {
    "numerics": {"threads": 1},
    "model": {
        "weights_sha256": None,
        "scratch": {"layers": 2, "hidden": 32, "heads": 2, "intermediate": 64},
    },
    "ingest": {"synthetic": {"patients": 24}},
    "tokenize": {"max_tokens": 64, "overlap": 16},
    "train": {"epochs": 6, "learning_rate": 0.01, "batch_tokens": 512, "log_every": 5},
    "evaluate": {"resamples": 50, "shown": 3},
}
CODE = ("src", "pipeline", "tests", "setup", "benchmarks")
"""Where a file may be part of the project that git does not know yet. Elsewhere it may be a corpus."""
ELSEWHERE = ("data/", "corpora/", "dvc.lock")
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".clintune", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis",
    "data", "corpora", "?*.dvc", "dvc.lock", "cache", "tmp",
)  # fmt: skip
"""The same by name, where there is no git to ask."""
RUNNING = re.compile(r"^Running stage '(\w+)'", re.MULTILINE)
"""What `dvc repro` says of each stage that it runs."""


@dataclass(frozen=True)
class Project:
    """A git repository at `root` that runs stages with this interpreter."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *command: str, ok: bool = True, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a program in the project, `dvc` and `python` being those of this environment."""
        done = subprocess.run(
            command, cwd=self.root, env=self.variables, text=True, capture_output=True, timeout=timeout,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert not ok or done.returncode == 0, (
            f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done

    @property
    def variables(self) -> dict[str, str]:
        """The environment of its processes: nothing of an outer DVC or MLflow."""
        outer = {
            name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "MLFLOW_"))
        }
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**outer, "PATH": path, "DVC_NO_ANALYTICS": "1", **self.environment}

    def params(self, changes: Mapping[str, Any]) -> None:
        """Change params.yaml, sections merged into sections."""
        yaml, path = YAML(), self.root / "params.yaml"
        tree = yaml.load(path)
        _merge(tree, changes)
        yaml.dump(tree, path)

    def copy(self, root: Path) -> "Project":
        """The same project at another place, with its cache and its store, which keeps its own artifacts."""
        self.run("cp", "-a", str(self.root), str(root))
        if (state := Home(root / ".clintune")).database.exists():
            bring_along(state)
        return Project(root, self.environment)

    def commit(self, message: str) -> None:
        """Commit everything that git does not ignore."""
        self.run("git", "add", "-A")
        self.run("git", "commit", "-qm", message)


def is_default_run() -> bool:
    """Whether params.yaml, and so what the pipeline made with it, is that of the recipe synthetic."""
    yaml = YAML(typ="safe", pure=True)
    return bool(yaml.load(ROOT / "params.yaml") == yaml.load(recipe_file("synthetic")))


def copy_tree(source: Path, root: Path) -> None:
    """Copy a working tree: all that is part of the project, no output, no corpus that lies in it."""
    if not (source / ".git").exists():
        shutil.copytree(source, root, ignore=NOT_COPIED)
        return
    for name in _project_files(source):
        if (source / name).exists():  # or removed, and git not told yet
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, root / name, follow_symlinks=False)


def _project_files(source: Path) -> Iterator[str]:
    for which in (["--cached"], ["--others", "--exclude-standard", "--", *CODE]):
        listed = subprocess.run(
            ["git", "-C", str(source), "ls-files", "-z", *which], capture_output=True, text=True, check=True
        ).stdout
        for name in filter(None, listed.split("\0")):
            # DVC misses the corpus behind a *.dvc file that is not copied with it.
            if not name.startswith(ELSEWHERE) and not name.endswith(".dvc"):
                yield name


def make_project(root: Path, changes: Mapping[str, Any] | None = None, **environment: str) -> Project:
    """A fresh copy of the working tree at `root`, committed: the default run, but SMALL, then `changes`."""
    copy_tree(ROOT, root)
    shutil.copy2(recipe_file("synthetic"), root / "params.yaml")
    project = Project(root, environment)
    project.run("git", "init", "-q", "-b", "main")
    project.run("git", "config", "user.name", "A Tester")
    project.run("git", "config", "user.email", "tester@example.org")
    project.params(SMALL)
    project.params(changes or {})
    project.commit("the project")
    return project


def _merge(tree: Any, changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(tree.get(key), Mapping):
            _merge(tree[key], value)
        else:
            tree[key] = value
