"""One project to tamper with, restored after each test."""

from collections.abc import Iterator

import pytest

from tests.project import Project
from tests.tampering import Scene, scene_of


@pytest.fixture(scope="session")
def place(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """For who restores it himself."""
    return scene_of(finished, tmp_path_factory.mktemp("tampered"))


@pytest.fixture
def scene(place: Scene) -> Iterator[Scene]:
    """For one test."""
    yield place
    place.restore()
