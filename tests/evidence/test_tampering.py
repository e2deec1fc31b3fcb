"""Whatever is changed after the fact, clintune verify names it; what is honest, it leaves alone."""

import random

import pytest

from tests.evidence.verification import judged_alone, packed_quickly, verified, verified_quickly
from tests.project import Project
from tests.tampering import CLASSES, Scene

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]

CASES = 100


def test_what_is_honest_has_no_finding(finished: Project):
    assert verified(finished) == (0, [])


@pytest.mark.parametrize("tamper", CLASSES, ids=lambda tamper: tamper.__name__)
def test_a_change_after_the_fact_is_found_and_named_in_the_project_and_in_an_evidence_file(
    scene: Scene, tmp_path, tamper
):
    expected = tamper(scene, random.Random(f"{tamper.__name__} 0"))
    findings = verified_quickly(scene.project)
    assert expected.among(findings), (expected, findings)
    packed_quickly(scene.project, tmp_path / "evidence.zip")
    code, again = judged_alone(tmp_path / "evidence.zip")
    assert (code, again) == (1, findings)


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
