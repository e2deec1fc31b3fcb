"""The bundle: what is in it, that it is the evaluated model, and that nothing else becomes one."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch
from safetensors.torch import load_file, save_file

from clintune.checkpoints import Outputs
from clintune.encoders import WEIGHTS
from clintune.errors import BundleError
from clintune.exporting import describe, metrics
from clintune.exporting.comparing import compare
from clintune.exporting.onnx_file import write_onnx
from clintune.files import sha256
from clintune.networks import forward_of, load
from clintune.serving.predictor import MODEL, load_bundle
from clintune.serving.self_check import TOLERANCE
from clintune.tables import SPANS, read_examples, read_predictions, write_predictions
from tests.walk import Walk

ROOT = Path(__file__).parents[2]
FILES = {"MODEL_CARD.md", "bundle.json", "config.json", "model.onnx", "model.safetensors",
         "self_check.json", "tokenizer.json"}  # fmt: skip


def sums(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path) for path in folder.iterdir()}


def evaluated(walked: Walk) -> list:
    return list(read_predictions(walked.folder("evaluation") / "predictions.parquet", SPANS))


@pytest.fixture
def copied(walked: Walk, tmp_path: Path) -> Walk:
    """A walk whose files a test may change."""
    shutil.copytree(walked.root, tmp_path / "walk")
    return replace(walked, root=tmp_path / "walk")


def tampered(walk: Walk, change) -> Walk:
    """With `change` made to the list of evaluation's predictions."""
    write_predictions(walk.folder("evaluation") / "predictions.parquet", change(evaluated(walk)), SPANS)
    return walk


def refused(walk: Walk, tmp_path: Path) -> str:
    """The one line with which export refuses; there is no bundle then."""
    with pytest.raises(BundleError) as caught:
        walk.export(tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
    assert not list(tmp_path.glob("*.draft"))
    line = str(caught.value)
    assert "\n" not in line
    assert "patient takes" not in line
    return line


def test_the_walk_predicts_something_or_these_tests_mean_nothing(walked):
    assert sum(len(one.target) for one in evaluated(walked)) >= 6


def test_the_bundle_holds_all_that_a_consumer_needs(bundle):
    assert {path.name for path in bundle.iterdir()} == FILES


def test_the_weights_and_the_tokenizer_are_those_of_the_checkpoint(walked, bundle):
    for name in ("model.safetensors", "config.json", "tokenizers/tokenizer.json"):
        assert sha256(bundle / Path(name).name) == sha256(walked.folder("checkpoint") / name)


def test_every_predicted_span_is_compared(walked, tmp_path):
    found = walked.export(tmp_path / "bundle")
    assert found.examples == 12
    assert found.items == sum(len(one.target) for one in evaluated(walked))
    assert found.apart < 1e-4
    assert set(metrics(found).values()) == {found.examples, found.items, found.apart}
    assert f"{found.items} predicted spans" in describe(
        walked.params.export, found, walked.folder("evaluation")
    )


def test_the_same_inputs_give_the_same_bytes(walked, bundle, tmp_path):
    walked.export(tmp_path / "again")
    assert sums(tmp_path / "again") == sums(bundle)


def test_nothing_in_the_bundle_names_this_machine(walked, bundle):
    for path in bundle.iterdir():
        content = path.read_bytes()
        for name in (str(walked.root), str(ROOT), sys.prefix, str(Path.home()) + "/"):
            assert name.encode() not in content, path.name


@pytest.mark.parametrize(
    "change",
    [
        lambda span: replace(span, end=span.end - 1),
        lambda span: replace(span, label="Disease"),
        lambda span: None,
    ],
    ids=["border", "label", "missing"],
)
def test_one_span_that_differs_is_refused_by_count_and_example(copied, bundle, change):
    said = evaluated(copied)
    at = next(number for number, one in enumerate(said) if one.target)

    def tamper(predictions):
        one = predictions[at]
        changed = [span for span in (change(one.target[0]), *one.target[1:]) if span]
        predictions[at] = replace(one, target=tuple(changed), scores=one.scores[: len(changed)])
        return predictions

    line = differences(tampered(copied, tamper), bundle)
    assert "1 of 12 examples differently" in line
    assert f"the first in row {at} of {copied.folder('examples')}/test.parquet, from 0 (1 with other" in line
    assert said[at].id not in line


def differences(walk: Walk, bundle: Path) -> str:
    """The one line with which the comparison refuses, without an export around it."""
    with pytest.raises(BundleError) as caught:
        compare(
            load_bundle(bundle, threads=1), test=walk.folder("examples") / "test.parquet",
            predictions=walk.folder("evaluation") / "predictions.parquet", tolerance=TOLERANCE,
        )  # fmt: skip
    return str(caught.value)


def test_a_difference_stops_the_export_and_leaves_nothing(copied, tmp_path):
    tampered(copied, lambda said: [replace(one, target=(), scores=()) for one in said])
    assert "of 12 examples differently" in refused(copied, tmp_path)


def test_a_score_beyond_the_tolerance_is_refused(copied, bundle):
    def tamper(predictions):
        at = [number for number, one in enumerate(predictions) if one.target][-1]
        scores = tuple(score - 0.01 for score in predictions[at].scores)
        predictions[at] = replace(predictions[at], scores=scores)
        return predictions

    assert "1 of 12 examples differently" in differences(tampered(copied, tamper), bundle)


@pytest.mark.parametrize(
    "change",
    [lambda said: said[:-1], lambda said: [*said, said[0]], lambda said: [said[1], said[0], *said[2:]]],
    ids=["fewer", "more", "another order"],
)
def test_predictions_of_other_examples_are_refused(copied, bundle, change):
    assert "is not of the examples of" in differences(tampered(copied, change), bundle)


def test_weights_that_are_not_the_evaluated_ones_are_refused(copied, tmp_path):
    weights = copied.folder("checkpoint") / WEIGHTS
    tensors = load_file(weights)
    tensors["head.linear.weight"] = -tensors["head.linear.weight"]
    save_file(tensors, weights)
    assert "examples differently" in refused(copied, tmp_path)


def test_a_refused_export_leaves_the_bundle_before_it_alone(copied, bundle, tmp_path):
    shutil.copytree(bundle, tmp_path / "bundle")
    with pytest.raises(BundleError):
        tampered(copied, lambda said: said[1:]).export(tmp_path / "bundle")
    assert sums(tmp_path / "bundle") == sums(bundle)


@pytest.mark.parametrize(("rows", "width"), [(1, 1), (1, 9), (3, 32)])
def test_the_onnx_file_says_what_torch_says_of_any_batch(walked, bundle, rows, width):
    """Padding included; an input that the exporter took for another one shows here."""
    from clintune.batching import Batch

    generator = torch.Generator().manual_seed(rows)
    ids = torch.randint(1000, 20000, (rows, width), generator=generator).numpy()
    mask = ids * 0 + 1
    mask[0, width // 2 + 1 :] = 0
    batch = Batch(ids, mask, ids)
    checkpoint = walked.folder("checkpoint")
    network = load(checkpoint, Outputs.read(checkpoint / "outputs.json"))
    expected = forward_of(network, torch.device("cpu"))(batch)
    found = load_bundle(bundle, threads=1).forward(batch)
    assert abs(found - expected)[mask == 1].max() < 1e-4


def test_the_onnx_file_is_the_same_from_another_folder(walked, bundle, tmp_path):
    """Of the repository and of the checkpoint: the exporter likes to write stack traces with paths."""
    shutil.copytree(
        ROOT / "src", tmp_path / "elsewhere" / "src", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(walked.folder("checkpoint"), tmp_path / "checkpoint")
    program = (
        "from pathlib import Path; from clintune.checkpoints import Outputs;"
        "from clintune.networks import load; from clintune.exporting.onnx_file import write_onnx;"
        "import clintune; assert 'elsewhere' in clintune.__file__;"
        "write_onnx(load(Path('checkpoint'), Outputs.read(Path('checkpoint/outputs.json'))), Path('m.onnx'))"
    )
    environment = {"PYTHONPATH": str(tmp_path / "elsewhere" / "src"), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)
    assert sha256(tmp_path / "m.onnx") == sha256(bundle / MODEL)


def test_the_onnx_file_carries_no_trace_of_where_it_was_made(bundle):
    text = str(onnx.load(bundle / MODEL, load_external_data=False).graph.node)
    assert not re.search(r"\.py|doc_string|metadata_props", text)


def test_weights_beyond_the_limit_of_a_file_are_one_clear_line(walked, tmp_path, monkeypatch):
    from clintune.errors import ModelError

    monkeypatch.setattr("clintune.exporting.onnx_file.LARGEST", 1000)
    checkpoint = walked.folder("checkpoint")
    with pytest.raises(ModelError, match="do not fit into one ONNX file"):
        write_onnx(load(checkpoint, Outputs.read(checkpoint / "outputs.json")), tmp_path / "m.onnx")


def test_no_text_of_a_record_is_in_the_bundle(walked, bundle):
    texts = [one.text for one in read_examples(walked.folder("examples") / "test.parquet", SPANS)]
    for path in bundle.iterdir():
        content = path.read_bytes()
        assert not [text for text in texts if text.encode() in content], path.name
    assert "patient takes" not in json.dumps((bundle / "self_check.json").read_text())
