"""What clintune verify finds in a project, by the program or in a process that starts sooner."""

import json
import multiprocessing
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from clintune.evidence.packing.assembling import pack
from clintune.evidence.verification.verifying import verify
from clintune.tracking.home import Home
from tests.project import Project


def verified(project: Project) -> tuple[int, list[dict[str, Any]]]:
    done = project.run("clintune", "verify", "--json", ok=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode, json.loads(done.stdout)["findings"]


def verified_quickly(project: Project) -> list[dict[str, Any]]:
    """The same in a process that is forked from one that has imported everything."""
    found: list[dict[str, Any]] = _in_a_process(_verify, project.root)
    return found


def _in_a_process(work: Callable[..., None], *arguments: Path) -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["clintune.evidence.packing.assembling", "dvc.repo", "mlflow"])
    here, there = context.Pipe()
    process = context.Process(target=work, args=(*arguments, there))
    process.start()
    there.close()  # a process that fails is an end of file, and no wait for ever
    found = here.recv()
    process.join()
    return found


def packed_quickly(project: Project, file: Path) -> None:
    """The evidence of a project, made in such a process."""
    _in_a_process(_pack, project.root, file)


def judged_alone(file: Path, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """What verify.py finds in an evidence file, run as a reviewer runs it: no package, no environment."""
    with zipfile.ZipFile(file) as archive:
        program = archive.read("verify.py")
    command = [sys.executable, "-I", "-S", "-", str(file), "--json", *arguments]
    done = subprocess.run(command, input=program, capture_output=True, check=False, env={"PATH": os.defpath})
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode, json.loads(done.stdout)


def _pack(root: Path, file: Path, answer: Connection) -> None:
    os.chdir(root)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    answer.send(pack(Path(), Home(root / ".clintune"), file))


def _verify(root: Path, answer: Connection) -> None:
    os.chdir(root)
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # of a store that the test opened
    answer.send(list(verify(Path(), Home(root / ".clintune")).findings))
