"""What clintune verify finds in a project, by the program or in a process that starts sooner."""

import json
import multiprocessing
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from clintune import lockfile
from clintune.cli import main
from clintune.evidence.packing.assembling import pack
from clintune.evidence.verification.verifying import verify
from clintune.tracking.home import Home
from tests.project import Project


def verified(project: Project) -> tuple[int, list[dict[str, Any]]]:
    done = project.run("clintune", "verify", "--json", ok=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode, json.loads(done.stdout)["findings"]


def verified_quickly(project: Project) -> list[dict[str, Any]]:
    """The same in a process that is forked from one that has verified before."""
    found: list[dict[str, Any]] = _in_a_process(_verify, project)
    return found


def run_quickly(project: Project, program: str, *arguments: str) -> None:
    """A program of this environment in such a process: one that has imported it."""
    _in_a_process(_run, project, program, *arguments)


def _in_a_process(work: Callable[..., Any], project: Project, *arguments: Path | str) -> Any:
    """What `work` says in a child of a process that has verified before."""
    _helper().send((work, project.root, *arguments))
    found = _helper().recv()
    assert not isinstance(found, BaseException), found
    return found


@cache
def _helper() -> Connection:
    here, there = multiprocessing.Pipe()
    multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True).start()
    there.close()  # a process that fails is an end of file, and no wait for ever
    return here


def _serve(asked: Connection) -> None:
    """Answer each question in a child of its own: whatever that opens is closed with it."""
    lockfile.parse_lock = cache(lockfile.parse_lock)  # half of the time, for a text that seldom changes
    is_warm = False
    while True:
        try:
            work, root, *arguments = asked.recv()
        except EOFError:
            return
        if not is_warm:
            _warm(root)
            is_warm = True
        if (child := os.fork()) == 0:
            asked.send(_answer(work, root, *arguments))
            os._exit(0)
        os.waitpid(child, 0)


def _warm(root: Path) -> None:
    """Verify a copy: all is imported then, and what is kept of a store is of no other."""
    with TemporaryDirectory() as folder:
        _answer(_verify, Project(root).copy(Path(folder, "project")).root)
        os.chdir(os.sep)


def _answer(work: Callable[..., Any], root: Path, *arguments: Path | str) -> Any:
    os.chdir(root)
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # of a store that was opened before
    try:
        return work(root, *arguments)
    except BaseException as error:
        return error


def packed_quickly(project: Project, file: Path) -> None:
    """The evidence of a project, made in such a process."""
    _in_a_process(_pack, project, file)


def judged_alone(file: Path, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """What verify.py finds in an evidence file, run as a reviewer runs it: no package, no environment."""
    with zipfile.ZipFile(file) as archive:
        program = archive.read("verify.py")
    command = [sys.executable, "-I", "-S", "-", str(file), "--json", *arguments]
    done = subprocess.run(command, input=program, capture_output=True, check=False, env={"PATH": os.defpath})
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode, json.loads(done.stdout)["findings"]


def _pack(root: Path, file: Path) -> int:
    return pack(Path(), Home(root / ".clintune"), file)[1]


def _verify(root: Path) -> list[dict[str, str]]:
    return [dict(one) for one in verify(Path(), Home(root / ".clintune")).findings]


def _run(_root: Path, program: str, *arguments: str) -> None:
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    os.environ["DVC_NO_ANALYTICS"] = "1"
    if program == "dvc":
        from dvc.cli import main as dvc

        assert dvc(list(arguments)) == 0
    elif program == "mlflow":
        from mlflow.cli import cli as mlflow

        mlflow(list(arguments), standalone_mode=False)
    else:
        assert main(list(arguments)) == 0
