"""A copy of this repository with a model and notes so small that real DVC runs it in a minute."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

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
IGNORED = shutil.ignore_patterns(
    ".git", ".venv", ".clintune", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis"
)


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
        """The same project at another place, with its cache and its store."""
        self.run("cp", "-a", str(self.root), str(root))
        return Project(root, self.environment)

    def commit(self, message: str) -> None:
        """Commit everything that git does not ignore."""
        self.run("git", "add", "-A")
        self.run("git", "commit", "-qm", message)


def make_project(root: Path, changes: Mapping[str, Any] | None = None, **environment: str) -> Project:
    """A fresh copy of the working tree at `root`, committed, with SMALL and then `changes` in its params."""
    shutil.copytree(ROOT, root, ignore=IGNORED)
    for output in (root / "data").iterdir():
        if output.name != ".gitkeep":
            shutil.rmtree(output)
    (root / "dvc.lock").unlink(missing_ok=True)
    shutil.rmtree(root / ".dvc" / "cache", ignore_errors=True)
    shutil.rmtree(root / ".dvc" / "tmp", ignore_errors=True)
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
