"""What several tests share: the shipped params, and a network small enough to train in a test."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clintune.params import Params, load_params
from clintune.recipes import recipe_file
from clintune.windows import Cutter

if TYPE_CHECKING:
    from tests.project import Project
    from tests.walk import Walk


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process for all that reads `finished`, and one for each other module: fixtures are made once.

    The pipelines come first: whoever is through with them takes what is left, in small pieces.
    """
    items.sort(key=lambda item: item.get_closest_marker("pipeline") is None)
    for item in items:
        shared = "finished" in getattr(item, "fixturenames", ()) and item.get_closest_marker("pipeline")
        item.add_marker(pytest.mark.xdist_group("finished" if shared else item.path.stem))


@pytest.fixture(scope="session")
def shipped() -> Params:
    """The params of the default run, whatever params.yaml holds by now."""
    return load_params(recipe_file("synthetic"))


@pytest.fixture(scope="session")
def tiny(shipped: Params) -> Params:
    """The shipped params with a random network of two thin layers in place of the base model."""
    scratch = {"layers": 2, "hidden": 32, "heads": 2, "intermediate": 64}
    model = {**shipped.model.model_dump(), "weights_sha256": None, "scratch": scratch}
    # One thread: two that wait for each other beside other tests are many times slower.
    numerics = {"profile": "native", "threads": 1}
    return Params.model_validate({**shipped.model_dump(), "model": model, "numerics": numerics})


@pytest.fixture(scope="session")
def cutter_of(shipped: Params) -> Callable[[int, int], Cutter]:
    """The default model's cutter, for any size of windows."""
    from clintune.encoders import tokenizer_file
    from clintune.windows import load_cutter

    loaded = load_cutter(tokenizer_file(shipped.model), max_tokens=64, overlap=8)
    return lambda max_tokens, overlap: replace(
        loaded, reader=replace(loaded.reader, max_tokens=max_tokens), overlap=overlap
    )


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> "Project":
    """A small project of records that may not be shown, after one `dvc repro`. Only to read."""
    from tests.planting import private_project

    project = private_project(tmp_path_factory.mktemp("finished") / "project")
    project.run("dvc", "repro", timeout=500)
    return project


@pytest.fixture(scope="session")
def walked(tiny: Params, tmp_path_factory: pytest.TempPathFactory) -> "Walk":
    """All stages before export, on a tiny model that finds its mentions. Only to read."""
    from tests.walk import walk

    return walk(tiny, tmp_path_factory.mktemp("walked"))


@pytest.fixture(scope="session")
def bundle(walked: "Walk", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What export makes of it. Only to read."""
    folder = tmp_path_factory.mktemp("exported") / "bundle"
    walked.export(folder)
    return folder
