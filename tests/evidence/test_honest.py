"""What people do all day changes nothing that was sealed: no finding, whatever the order."""

import os
import random
from collections.abc import Callable

import pytest

from tests.evidence.verification import run_quickly, verified_quickly
from tests.tampering import Scene
from tests.tracking.stores import client_of, stage_runs

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(7200)]

STATES = 500


def times_change(scene: Scene, dice: random.Random) -> None:
    for path in (scene.project.root / "data").rglob("*"):
        os.utime(path, (dice.randrange(2**31), dice.randrange(2**31)))


def the_cache_is_emptied_and_filled(scene: Scene, _dice: random.Random) -> None:
    scene.project.run("rm", "-rf", ".dvc/cache/files")
    run_quickly(scene.project, "dvc", "commit", "-f")


def the_cache_is_away(scene: Scene, _dice: random.Random) -> None:
    scene.project.run("rm", "-rf", ".dvc/cache/files")


def outputs_come_back_from_the_cache(scene: Scene, dice: random.Random) -> None:
    name = dice.choice(["data/raw", "data/windows", "data/checkpoint", "data/bundle"])
    scene.project.run("rm", "-rf", name)
    run_quickly(scene.project, "dvc", "checkout")


def nothing_is_to_do(scene: Scene, _dice: random.Random) -> None:
    run_quickly(scene.project, "dvc", "repro")


def a_snapshot_is_taken(scene: Scene, _dice: random.Random) -> None:
    run_quickly(scene.project, "clintune", "snapshot")


def a_stage_runs_by_hand(scene: Scene, dice: random.Random) -> None:
    scene.project.run("python", "-m", "pipeline.ingest", "--raw", f"../by hand {dice.randrange(1000)}")


def somebody_looks_at_the_runs(scene: Scene, _dice: random.Random) -> None:
    client = client_of(scene.project)
    for run in stage_runs(client):
        client.list_artifacts(run.info.run_id)


def somebody_loads_the_model(scene: Scene, dice: random.Random) -> None:
    """MLflow writes beside it as which version it was loaded; as none by the address of the model itself."""
    [version] = client_of(scene.project).search_model_versions()
    [model] = (scene.project.root / ".clintune/mlflow/artifacts").rglob("MLmodel")
    name, number = dice.choice([(version.name, version.version), ("null", "null")])
    said = f"model_name: {name}\nmodel_version: {number}\n"
    model.with_name("registered_model_meta").write_text(said)


def files_lie_beside(scene: Scene, dice: random.Random) -> None:
    (scene.project.root / f"notes {dice.randrange(1000)}.txt").write_text("to do")


def modes_change(scene: Scene, dice: random.Random) -> None:
    for path in (scene.project.root / "data").rglob("*.json"):
        path.chmod(dice.choice([0o600, 0o644, 0o664]))


HONEST: tuple[Callable[[Scene, random.Random], None], ...] = (
    times_change, the_cache_is_emptied_and_filled, the_cache_is_away, outputs_come_back_from_the_cache,
    nothing_is_to_do, a_snapshot_is_taken, a_stage_runs_by_hand, somebody_looks_at_the_runs, files_lie_beside,
    modes_change, somebody_loads_the_model,
)  # fmt: skip


def can(scene: Scene, deed: Callable[[Scene, random.Random], None]) -> bool:
    """Nothing comes back from a cache that is away."""
    needs_cache = deed in {outputs_come_back_from_the_cache, nothing_is_to_do}
    return not needs_cache or (scene.project.root / ".dvc/cache/files").exists()


def test_after_each_honest_deed_nothing_is_found(place: Scene):
    found = {}
    for deed in HONEST:
        deed(place, random.Random(deed.__name__)) if can(place, deed) else None
        found[deed.__name__] = verified_quickly(place.project)
    place.restore()
    assert {name: findings for name, findings in found.items() if findings} == {}


@pytest.mark.slow
def test_after_five_hundred_honest_deeds_nothing_was_ever_found(place: Scene):
    dice, wrong = random.Random(0), []
    for state in range(STATES):
        deed = dice.choice([one for one in HONEST if can(place, one)])
        deed(place, dice)
        if findings := verified_quickly(place.project):
            wrong.append((state, deed.__name__, findings))
    place.restore()
    assert wrong == []
