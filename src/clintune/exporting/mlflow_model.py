"""The bundle as an MLflow model, with the part of this library that serves it."""

import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

from clintune.imports import Source
from clintune.serving import answering
from clintune.serving.manifest import Manifest
from clintune.serving.self_check import PROBE
from clintune.tasks.answers import EXAMPLES
from clintune.tracking.packaging import save_model

SERVING = ("numpy", "onnxruntime", "pyarrow", "tokenizers")
"""What predicting needs besides this library."""

_ROOT = Path(__file__).parents[3]


def save_mlflow_model(bundle: Path, path: Path) -> None:
    """Write it to `path`. Its input example is our own sentence, never a record."""
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder)
        # Only what serving imports: the rest is no dependency of this stage, and needs torch.
        for file in sorted(Source(_ROOT).closure(answering.__name__)):
            place = code / Path(file).relative_to("src")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(_ROOT / file, place)
        save_model(
            path,
            bundle,
            load=answering.load,
            library=code / "clintune",
            examples=[PROBE],
            answer=EXAMPLES[Manifest.read(bundle).outputs.task],
            requirements=[f"{name}=={version(name).partition('+')[0]}" for name in SERVING],
        )
