"""The recipe synthetic-hybrid, small, under real DVC: an own encoder beside the base model.

The same stages without DVC, in every run of the tests: tests/training/test_hybrid.py.
"""

from typing import Any

import pytest
from ruamel.yaml import YAML

from clintune.graph import read_stages
from clintune.recipes import recipe_file
from tests.project import ROOT, RUNNING, make_project
from tests.tracking.stores import client_of, stage_runs

pytestmark = [pytest.mark.slow, pytest.mark.pipeline, pytest.mark.timeout(600)]


def small(recipe: Any) -> dict[str, Any]:
    """Its section pretrain, for an encoder of a second."""
    own = recipe["pretrain"]["notes"]
    sizes = {"layers": 2, "hidden": 16, "heads": 2, "intermediate": 32}
    return {"notes": {**own, "sizes": sizes, "train": {**own["train"], "epochs": 2, "batch_tokens": 512}}}


def test_an_own_encoder_is_made_once_and_a_change_of_the_training_leaves_it_alone(tmp_path):
    recipe = YAML(typ="safe").load(recipe_file("synthetic-hybrid"))
    model = {key: recipe["model"][key] for key in ("companions", "fusion")}
    project = make_project(tmp_path / "hybrid", {
        "pretrain": small(recipe), "model": model, "train": {"strategy": None, "epochs": 2},
    })  # fmt: skip
    project.params({"train": {"strategy": recipe["train"]["strategy"]}})  # in its place, not merged into it
    project.commit("hybrid")
    assert RUNNING.findall(project.run("dvc", "repro").stdout) == list(read_stages(ROOT))
    names = {path.name for path in (project.root / "data/bundle").iterdir()}
    assert {"tokenizer.json", "tokenizer-1.json"} <= names
    [run] = stage_runs(client_of(project), "pretrain")
    assert {"notes/train/loss", "notes/validation/accuracy"} <= run.data.metrics.keys()
    project.params({"train": {"learning_rate": 0.02}})
    assert RUNNING.findall(project.run("dvc", "repro").stdout) == ["train", "evaluate", "export"]
