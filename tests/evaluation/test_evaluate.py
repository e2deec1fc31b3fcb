"""The stage's library call: files in, files out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clintune.checkpoints import Outputs
from clintune.evaluation import evaluate
from clintune.evaluation.outputs import flat, metrics
from clintune.files import read_json, sha256, write_json
from clintune.tables import SPANS, read_predictions, write_examples
from tests.evaluation.documents import SECTION, example, prediction, spans

ROOT = Path(__file__).parents[2]
GOLD = spans((0, 3, "A"), (5, 9, "B"))


def run(folder, *, predictions=None):
    folder.mkdir(parents=True, exist_ok=True)
    documents = [
        example(f"d{i}", GOLD, group=f"g{i // 2}", sex="FM"[i % 2], site=f"s{i % 3}") for i in range(30)
    ]
    write_examples(folder / "train.parquet", documents[:5], SPANS)
    write_examples(folder / "test.parquet", documents, SPANS)
    said = predictions or (prediction(f"d{i}", GOLD[: i % 3], [0.1, 0.2][: i % 3]) for i in range(30))
    write_json(folder / "summary.json", {"test": {"inexpressible": {"nested": 1}}})
    return evaluate(
        SECTION,
        seed=17,
        outputs=Outputs("entities", ("O",), 32, 8),
        examples=folder,
        windows=folder,
        predictions=said,
        folder=folder / "evaluation",
    )


def bytes_of(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_it_writes_predictions_metrics_plots_and_a_report(tmp_path):
    found = run(tmp_path)
    assert bytes_of(tmp_path / "evaluation").keys() == {
        "predictions.parquet", "metrics.json", "report.html",
        "plots/labels.csv", "plots/subgroups.csv", "plots/confusion.csv", "plots/reliability.csv",
    }  # fmt: skip
    assert read_json(tmp_path / "evaluation/metrics.json") == metrics(found)
    assert flat(metrics(found))["strict/f1"] == pytest.approx(2 / 3)


def test_scores_are_those_of_the_stored_predictions(tmp_path):
    """0.1 is no float32: whoever recomputes from the file must get the same calibration error."""
    found = run(tmp_path)
    stored = [
        score
        for one in read_predictions(tmp_path / "evaluation/predictions.parquet", SPANS)
        for score in one.scores
    ]
    assert found.reliability.bins[0].confidence == stored[0] != 0.1


def test_the_report_names_what_it_was_computed_from(tmp_path):
    run(tmp_path)
    page = (tmp_path / "evaluation/report.html").read_text(encoding="utf-8")
    for path in ("evaluation/predictions.parquet", "test.parquet", "train.parquet"):
        assert sha256(tmp_path / path) in page


def test_predictions_may_be_a_stream(tmp_path):
    drawn = []

    def stream():
        for i in range(30):
            drawn.append(i)
            yield prediction(f"d{i}", GOLD)

    assert run(tmp_path, predictions=stream()).strict.counts.f1 == 1.0
    assert drawn == list(range(30))


def test_the_same_inputs_give_the_same_bytes_whatever_the_hash_seed(tmp_path):
    run = "from tests.evaluation.test_evaluate import run"
    script = f"from pathlib import Path; {run}; run(Path({str(tmp_path)!r}) / 'SEED')"
    for seed in ("1", "2"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        }
        subprocess.run(
            [sys.executable, "-c", script.replace("SEED", seed)], check=True, env=environment, cwd=tmp_path
        )
    assert bytes_of(tmp_path / "1") == bytes_of(tmp_path / "2")


def test_it_needs_no_torch():
    script = (
        "import sys; import clintune.evaluation; sys.exit('torch' in sys.modules or 'mlflow' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    assert subprocess.run([sys.executable, "-c", script], check=False, env=environment).returncode == 0
