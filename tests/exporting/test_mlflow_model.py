"""The MLflow model: no pickle, no torch, and the same answers as clintune predict."""

import contextlib
import json
import os
import pickletools
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from clintune.cli.predict import predict
from clintune.errors import BundleError
from clintune.exporting import save_mlflow_model
from clintune.files import read_json
from clintune.serving.answering import load
from clintune.serving.self_check import PROBE
from clintune.tasks.answers import EXAMPLES

ROOT = Path(__file__).parents[2]
TEXTS = [
    "Visit 7. The patient takes warfarin daily and feels well.",
    "",
    "Émilie nimmt Metformin 🩺 und insulin.",
]


@pytest.fixture(scope="module")
def saved(bundle, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("mlflow") / "model"
    save_mlflow_model(bundle, path)
    return path


@pytest.fixture
def elsewhere(tmp_path) -> dict[str, str]:
    """The environment of a consumer: no tracking, no way to this repository but the installed package."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path),
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/none.db", "MLFLOW_DISABLE_TELEMETRY": "true",
        "CLINTUNE_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip


def by_cli(bundle: Path, tmp_path: Path) -> list[dict]:
    """What clintune predict says of TEXTS, without the ids."""
    lines = [json.dumps({"id": str(number), "text": text}) for number, text in enumerate(TEXTS)]
    (tmp_path / "texts.jsonl").write_text("\n".join(lines), encoding="utf-8")
    said = [json.loads(line) for line in predict(bundle, tmp_path / "texts.jsonl")]
    assert [one.pop("id") for one in said] == ["0", "1", "2"]
    return said


def test_the_signature_is_texts_in_and_spans_out(saved):
    signature = yaml.safe_load((saved / "MLmodel").read_text())["signature"]
    assert json.loads(signature["inputs"]) == [{"type": "string", "required": True}]
    [spans] = json.loads(signature["outputs"])
    assert spans["name"] == "spans"
    assert set(spans["items"]["properties"]) == {"start", "end", "label", "text", "score"}


def test_the_example_of_an_answer_has_the_shape_of_a_real_one(bundle):
    [real] = load(bundle)(TEXTS[:1])
    [span], [shown] = real["spans"], EXAMPLES["entities"]["spans"]
    assert {key: type(value) for key, value in span.items()} == {
        key: type(value) for key, value in shown.items()
    }


def test_the_input_example_is_our_own_sentence_and_no_record(saved):
    assert read_json(saved / "input_example.json") == [PROBE]
    assert read_json(saved / "serving_input_example.json") == {"inputs": [PROBE]}


def is_pickle(path: Path) -> bool:
    """Whether the whole file reads as one, whatever its name."""
    try:
        return path.read_bytes()[:1] == b"\x80" and bool(list(pickletools.genops(path.read_bytes())))
    except Exception:
        return False


def test_there_is_no_pickle_in_it(saved):
    files = [path for path in saved.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if path.suffix in {".pkl", ".pickle", ".pt", ".pth", ".bin"}] == []
    assert [path for path in files if is_pickle(path)] == []


def test_it_carries_the_code_that_serves_and_no_other(saved):
    names = {path.name for path in (saved / "code" / "clintune").iterdir()}
    assert {"serving", "windows.py", "batching.py"} <= names
    assert not {"training", "evaluation", "exporting", "tracking", "networks.py", "cli"} & names


def test_nothing_in_its_description_names_this_machine(saved):
    text = (saved / "MLmodel").read_text()
    assert str(ROOT) not in text


def test_it_pins_what_it_needs_and_that_is_not_torch(saved):
    lines = (saved / "requirements.txt").read_text().split()
    assert all("==" in line and "+" not in line for line in lines)
    assert {line.split("==")[0] for line in lines} >= {"mlflow", "onnxruntime", "tokenizers", "numpy"}
    assert not [line for line in lines if line.startswith("torch")]


def test_a_bundle_that_cannot_answer_is_no_model(bundle, tmp_path):
    broken = tmp_path / "bundle"
    shutil.copytree(bundle, broken)
    (broken / "tokenizer.json").unlink()
    with pytest.raises(BundleError, match="tokenizer"):
        save_mlflow_model(broken, tmp_path / "model")


@pytest.mark.timeout(120)
def test_a_loaded_model_answers_as_clintune_predict_without_torch(saved, bundle, tmp_path, elsewhere):
    """In a process of its own, from the code that the model carries."""
    program = (
        "import json, sys, mlflow.pyfunc\n"
        "model = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "said = model.predict(json.loads(sys.argv[2]))\n"
        "import clintune.serving\n"
        "print(json.dumps([said, clintune.serving.__file__, 'torch' in sys.modules]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(saved), json.dumps(TEXTS)], cwd=tmp_path,
                          env=elsewhere, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    said, file, torch = json.loads(done.stdout.splitlines()[-1])
    assert said == by_cli(bundle, tmp_path)
    assert said[0]["spans"]
    assert Path(file).is_relative_to(saved)
    assert not torch


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def served(model: Path, log: Path, environment: dict[str, str]):
    """`mlflow models serve` on a free port; gone with all its children at the end."""
    port = free_port()
    command = ["mlflow", "models", "serve", "-m", str(model), "--env-manager", "local", "-p", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=log.parent, env=environment, stdout=out, stderr=out, start_new_session=True
        )
    try:
        end = time.monotonic() + 90
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/ping"):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.timeout(180)
def test_mlflow_serves_it(saved, bundle, tmp_path, elsewhere):
    with served(saved, tmp_path / "serve.log", elsewhere) as address:
        body = json.dumps({"inputs": TEXTS}).encode()
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as reply:
            said = json.load(reply)["predictions"]
    assert said == by_cli(bundle, tmp_path)
