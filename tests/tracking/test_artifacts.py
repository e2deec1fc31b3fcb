"""The sums of a model: what MLflow writes beside it when somebody loads it is no change."""

import pytest

from clintune.tracking.artifacts import model_sums

LOADED = "registered_model_meta"


def sums(folder, said):
    (folder / LOADED).write_text(said)
    return model_sums(folder.as_uri(), "a run", {("clintune-x", "3")})


@pytest.mark.parametrize("number", ["3", "'3'"])
def test_the_note_of_who_loaded_a_version_of_this_run_has_no_sum(tmp_path, number):
    (tmp_path / "bundle.json").touch()
    assert sums(tmp_path, f"model_name: clintune-x\nmodel_version: {number}\n").keys() == {"bundle.json"}


@pytest.mark.parametrize(
    "said",
    [
        "model_name: clintune-x\nmodel_version: 4\n",
        "model_name: clintune-y\nmodel_version: 3\n",
        "model_name: clintune-x\nmodel_version: 3\n# approved by the chief\n",
        "",
    ],
)
def test_a_note_that_says_anything_else_has_one(tmp_path, said):
    assert sums(tmp_path, said).keys() == {LOADED}


def test_mlflow_writes_that_note(tmp_path):
    """To the letter: another form of it would be a finding wherever a model was loaded."""
    from mlflow.utils.yaml_utils import write_yaml

    write_yaml(
        str(tmp_path), LOADED, {"model_name": "clintune-x", "model_version": 3}, ensure_yaml_extension=False
    )
    assert sums(tmp_path, (tmp_path / LOADED).read_text()) == {}
