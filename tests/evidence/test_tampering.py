"""Whatever is changed after the fact, clintune verify names it; what is honest, it leaves alone."""

import json
import multiprocessing
import os
import random
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from clintune.evidence.verifying import verify
from clintune.tracking.home import Home
from tests.project import Project
from tests.tampering import CLASSES, Scene, scenes

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]

CASES = 100


@pytest.fixture(scope="module")
def place(finished: Project, tmp_path_factory) -> Scene:
    return next(scenes(finished, tmp_path_factory.mktemp("tampered")))


@pytest.fixture
def scene(place: Scene) -> Iterator[Scene]:
    yield place
    place.restore()


def verified(project: Project) -> tuple[int, list[dict[str, Any]]]:
    done = project.run("clintune", "verify", "--json", ok=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode, json.loads(done.stdout)["findings"]


def verified_quickly(project: Project) -> list[dict[str, Any]]:
    """The same in a process that is forked from one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["clintune.evidence.verifying", "dvc.repo", "mlflow"])
    here, there = context.Pipe()
    process = context.Process(target=_verify, args=(project.root, there))
    process.start()
    found = here.recv()
    process.join()
    return found


def _verify(root: Path, answer: Connection) -> None:
    os.chdir(root)
    answer.send([one.as_json() for one in verify(Path(), Home(root / ".clintune")).findings])


def test_what_is_honest_has_no_finding(finished: Project):
    assert verified(finished) == (0, [])


@pytest.mark.parametrize("tamper", CLASSES, ids=lambda tamper: tamper.__name__)
def test_a_change_after_the_fact_is_found_and_named(scene: Scene, tamper):
    expected = tamper(scene, random.Random(f"{tamper.__name__} 0"))
    findings = verified_quickly(scene.project)
    assert expected.among(findings), (expected, findings)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("tamper", CLASSES, ids=lambda tamper: tamper.__name__)
def test_a_hundred_changes_of_each_class_are_found_and_named(place: Scene, tamper):
    missed = []
    for case in range(CASES):
        expected = tamper(place, random.Random(f"{tamper.__name__} {case}"))
        findings = verified_quickly(place.project)
        place.restore()
        if not expected.among(findings):
            missed.append((case, expected, findings))
    assert missed == []
