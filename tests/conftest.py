"""What several tests share: the shipped params, and a network small enough to train in a test."""

import fcntl
import locale
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from clintune.params import Params, load_params
from clintune.recipes import recipe_file
from clintune.startup import collect_seldom
from clintune.windows import Cutter

if TYPE_CHECKING:
    from tests.project import Project
    from tests.walk import Walk


LONGEST = ("test_readme", "test_dead_servers", "test_experiments", "test_pipeline", "test_stage_records",
           "test_replay", "test_commands", "test_kills", "test_trace", "test_export", "test_broken_inputs",
           "test_text_tasks", "test_hidden")  # fmt: skip
"""Modules in whose tests most of the time goes. They begin first: nobody waits for one that began last.

The second needs no `finished`, nor do the first of the third: all others wait while the first makes it.
"""


def pytest_configure() -> None:
    """As in the programs under test: a fifth of the time, with all that the tests import.

    No test is timed, those of Hypothesis neither, which would fail beside other work. Letters are of no
    language: the validator of in-toto makes its names by the locale of the process; Turkish has another I.
    """
    collect_seldom()
    locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process for each module: its fixtures are made once."""
    first = {name: place for place, name in enumerate(LONGEST)}

    def turn(item: pytest.Item) -> tuple[int, bool]:
        return first.get(item.path.stem, len(first)), item.get_closest_marker("pipeline") is None

    items.sort(key=turn)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(autouse=True)
def _nothing_is_left_to_the_next_test() -> Iterator[None]:
    """To open a store names it to MLflow in the environment; to load a model puts its code into sys.path."""
    store, places = os.environ.get("MLFLOW_TRACKING_URI"), list(sys.path)
    yield
    sys.path[:] = places
    if store is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    else:
        os.environ["MLFLOW_TRACKING_URI"] = store


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
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Project"]:
    """A small project of records that may not be shown, after one `dvc repro`.

    All processes of a test run share it, the first that asks makes it. So it is only to read: what runs DVC,
    a stage or git in it takes a copy.
    """
    from tests.project import Project

    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        root = _made(shared)
    before = _held(root)
    yield Project(root)
    assert _held(root) == before, "something was written to the project that all tests share"


def _held(root: Path) -> tuple[bytes, set[Path]]:
    """What stages leave behind: lines of the ledger, and artifacts."""
    state = root / ".clintune"
    return (state / "ledger/ledger.jsonl").read_bytes(), set((state / "mlflow/artifacts").rglob("*"))


def _made(shared: Path) -> Path:
    from tests.planting import private_project

    made = shared / "made"  # holds where it is: written last
    if not made.exists():
        project = private_project(shared / "project")
        project.run("dvc", "repro", timeout=500)
        made.write_text(str(project.root), encoding="utf-8")
    return Path(made.read_text(encoding="utf-8").strip())


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
