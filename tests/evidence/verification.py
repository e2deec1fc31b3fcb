"""What clintune verify finds in a project, by the program or in a process that starts sooner."""

import json
import multiprocessing
import os
import subprocess
import sys
import traceback
import zipfile
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
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


def run_quickly(
    project: Project, program: str, *arguments: str, ok: bool = True
) -> subprocess.CompletedProcess[str]:
    """`Project.run` of clintune, dvc or mlflow in such a process: one that has imported it."""
    assert not project.environment, "such a process has the variables of the tests"
    code, out, error = _in_a_process(_run, project, program, *arguments)
    done = subprocess.CompletedProcess([program, *arguments], code, out, error)
    assert not ok or code == 0, done
    return done


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


def _run(_root: Path, program: str, *arguments: str) -> tuple[int, str, str]:
    """Exit code and what was printed, on any level: what a process of its own would leave."""
    os.environ["DVC_NO_ANALYTICS"] = "1"
    with TemporaryFile("w+") as out, TemporaryFile("w+") as error:
        os.dup2(out.fileno(), 1)
        os.dup2(error.fileno(), 2)
        code = _code(program, list(arguments))
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for kept in (out, error):
            kept.seek(0)
        return code, out.read(), error.read()


def _code(program: str, arguments: list[str]) -> int:
    """As Python would end with it."""
    try:
        if program == "clintune":
            return main(arguments)
        if program == "dvc":
            from dvc.cli import main as dvc

            return int(dvc(arguments))
        from mlflow.cli import cli as mlflow

        mlflow(arguments, standalone_mode=False)
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0
