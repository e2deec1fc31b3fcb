"""What clintune verify finds in a project, by the program or in a process that starts sooner."""

import json
import multiprocessing
import os
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from clintune.evidence.verification.verifying import verify
from clintune.tracking.home import Home
from tests.project import Project


def verified(project: Project) -> tuple[int, list[dict[str, Any]]]:
    done = project.run("clintune", "verify", "--json", ok=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode, json.loads(done.stdout)["findings"]


def verified_quickly(project: Project) -> list[dict[str, Any]]:
    """The same in a process that is forked from one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["clintune.evidence.verification.verifying", "dvc.repo", "mlflow"])
    here, there = context.Pipe()
    process = context.Process(target=_verify, args=(project.root, there))
    process.start()
    there.close()  # a process that fails is an end of file, and no wait for ever
    found = here.recv()
    process.join()
    return found


def _verify(root: Path, answer: Connection) -> None:
    os.chdir(root)
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # of a store that the test opened
    answer.send(list(verify(Path(), Home(root / ".clintune")).findings))
