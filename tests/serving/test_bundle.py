"""A bundle is whole or an error; a whole one predicts as the evaluation did, one way for all doors."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from clintune.errors import BundleError, DocumentError, UserError
from clintune.serving import Document, load_bundle
from clintune.serving.answering import load
from clintune.serving.manifest import MANIFEST, Manifest, seal
from clintune.serving.predictor import MODEL, THREADS
from clintune.serving.self_check import self_check
from clintune.tables import SPANS, read_examples, read_predictions
from tests.walk import note

FILES = (
    "MODEL_CARD.md",
    "config.json",
    "model.onnx",
    "model.safetensors",
    "self_check.json",
    "tokenizer.json",
)


@pytest.fixture
def copied(bundle, tmp_path) -> Path:
    """A bundle that a test may change."""
    shutil.copytree(bundle, tmp_path / "bundle")
    return tmp_path / "bundle"


def refused(folder: Path) -> str:
    with pytest.raises(BundleError) as caught:
        load_bundle(folder, threads=1)
    line = str(caught.value)
    assert "\n" not in line
    assert "; " in line
    return line


def flip(path: Path, at: int) -> None:
    """Change one bit of one byte."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_a_loaded_bundle_predicts_what_evaluation_wrote(walked, bundle):
    examples = read_examples(walked.folder("examples") / "test.parquet", SPANS)
    expected = list(read_predictions(walked.folder("evaluation") / "predictions.parquet", SPANS))
    said = [one for _, one in load_bundle(bundle, threads=1)(Document(one.id, one.text) for one in examples)]
    assert [(one.id, one.target) for one in said] == [(one.id, one.target) for one in expected]
    for one, two in zip(said, expected, strict=True):
        assert np.allclose(one.scores, two.scores, atol=1e-4)


@pytest.mark.parametrize("name", FILES)
def test_one_changed_bit_in_any_file_is_one_line_that_names_it(copied, name):
    flip(copied / name, (copied / name).stat().st_size // 2)
    line = refused(copied)
    assert f"{copied / name}: has SHA-256" in line
    assert "restore the bundle" in line


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_one_line_that_names_it(copied, name):
    (copied / name).unlink()
    assert f"{copied / name}: no such file" in refused(copied)


def test_no_byte_of_the_manifest_can_change_unseen(copied):
    original = (copied / MANIFEST).read_bytes()
    for at in range(0, len(original), 7):
        (copied / MANIFEST).write_bytes(original)
        flip(copied / MANIFEST, at)
        with pytest.raises(BundleError, match=MANIFEST):
            Manifest.read(copied)


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "7", '"sha256 format"', "\xff", '{"sha256": 3, "format": 1}']
)
def test_what_is_no_manifest_is_one_line(copied, content):
    (copied / MANIFEST).write_bytes(content.encode("latin-1"))
    assert MANIFEST in refused(copied)


def test_a_folder_without_a_manifest_is_one_line(tmp_path):
    assert "name a folder that export wrote" in refused(tmp_path)
    assert "name a folder that export wrote" in refused(tmp_path / "nowhere")


def test_a_newer_format_is_one_line_with_a_way_out(copied, monkeypatch):
    monkeypatch.setattr("clintune.serving.manifest.FORMAT", 2)
    assert "has format 1; this version of clintune reads 2" in refused(copied)


def test_documents_with_the_same_id_keep_their_own_predictions(bundle):
    notes = [note(number) for number in (300, 301, 302)]
    predictor = load_bundle(bundle, threads=1)
    apart = [prediction.target for one in notes for _, prediction in predictor([Document("x", one.text)])]
    together = list(predictor(Document("x", one.text) for one in notes))
    assert [prediction.target for _, prediction in together] == apart
    assert {prediction.id for _, prediction in together} == {"x"}
    assert any(apart)


def test_a_text_of_many_windows_is_read_to_its_end(bundle):
    """Mentions are placed in characters of the whole text."""
    text = " ".join(note(number).text for number in range(400, 430))
    [answer] = load(bundle)([text])
    assert answer["spans"]
    assert max(span["start"] for span in answer["spans"]) > len(text) * 0.8
    assert all(text[span["start"] : span["end"]] == span["text"] for span in answer["spans"])
    assert all(0 <= span["score"] <= 1 for span in answer["spans"])


def test_an_answer_can_be_empty(bundle):
    assert load(bundle)(["", " \n"]) == [{"spans": []}, {"spans": []}]


def test_half_a_surrogate_pair_is_no_text(bundle):
    with pytest.raises(DocumentError, match="text 2: half a surrogate"):
        load(bundle)(["a", "\ud83e"])


def test_the_number_of_threads_must_be_one(bundle, monkeypatch):
    monkeypatch.setenv(THREADS, "two")
    with pytest.raises(UserError, match="whole number"):
        load_bundle(bundle)


def test_a_bundle_agrees_with_its_own_record(bundle, monkeypatch):
    monkeypatch.setenv(THREADS, "1")
    expected, differences = self_check(bundle)
    assert differences == []
    assert expected.examples == 12


@pytest.mark.parametrize("factor", [-1.0, 1.01])
def test_a_changed_weight_fails_the_self_check(copied, factor):
    """Sealed again, so that only the prediction can tell."""
    manifest = Manifest.read(copied)
    model = onnx.load(copied / MODEL)
    [weight] = [one for one in model.graph.initializer if one.name == "head.linear.bias"]
    changed = numpy_helper.to_array(weight) * np.float32(factor)
    weight.CopyFrom(numpy_helper.from_array(changed, weight.name))
    onnx.save(model, copied / MODEL)
    seal(copied, name=manifest.name, outputs=manifest.outputs, batch_tokens=manifest.batch_tokens,
         versions=manifest.versions)  # fmt: skip
    _, differences = self_check(copied, threads=1)
    assert "logits lie" in differences[0]


def test_other_spans_and_scores_are_named_as_differences(bundle):
    expected, _ = self_check(bundle, threads=1)
    answer, tolerance = expected.answer, expected.tolerance
    outputs = Manifest.read(bundle).outputs
    other = replace(answer, logits=answer.logits[:-1])
    assert "shape" in other.differences(answer, outputs, tolerance=tolerance)[0]
    span = note(3).target[0]
    said = replace(answer, prediction=replace(answer.prediction, target=(span,), scores=(0.5,)))
    assert "the prediction is" in said.differences(answer, outputs, tolerance=tolerance)[0]
    scored = replace(said, prediction=replace(said.prediction, scores=(0.6,)))
    assert "scores or values lie" in scored.differences(said, outputs, tolerance=tolerance)[0]


def test_the_manifest_says_what_the_model_answers(walked, bundle):
    manifest = Manifest.read(bundle)
    assert manifest.name == walked.params.export.name
    assert manifest.outputs.labels == ("O", "B-Drug", "I-Drug")
    assert set(manifest.files) == set(FILES)
    assert not [version for version in manifest.versions.values() if "+" in version]
    assert json.loads((bundle / MANIFEST).read_text())["max_tokens"] == 32
