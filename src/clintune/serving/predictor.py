"""From texts to predictions with a bundle: the windows and the decoding are those of training."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clintune.batching import Batch, Forward, Logits, predict
from clintune.checkpoints import Outputs
from clintune.errors import UserError
from clintune.examples import IGNORED, Prediction, Window
from clintune.serving.documents import Document
from clintune.serving.manifest import Manifest
from clintune.windows import Cutter, cutter_of

MODEL = "model.onnx"
INPUT_IDS, MASK, LOGITS = "input_ids", "attention_mask", "logits"
COMPANION = ("input_ids", "attention_mask", "firsts", "lasts")
LARGEST = 2**31 - 2**20
"""Bytes of weights that one ONNX file can hold: protobuf's 2 GiB, less what the graph itself takes."""
THREADS = "CLINTUNE_THREADS"
"""How many threads one batch is computed with; unset or 0: one per core. The bits do not depend on it."""


@dataclass(frozen=True, slots=True)
class Predictor:
    """A loaded bundle. Calls are independent of each other and may run in several threads."""

    cutter: Cutter
    outputs: Outputs
    forward: Forward
    batch_tokens: int

    def __call__(self, documents: Iterable[Document]) -> Iterator[tuple[Document, Prediction[Any]]]:
        """Each document with its prediction, in order. Memory does not grow with their number."""
        waiting: deque[Document] = deque()

        def windows() -> Iterator[Window]:
            for number, document in enumerate(documents):
                waiting.append(document)
                # Numbered, because ids of documents from outside may repeat, and windows are grouped by id.
                yield from self.windows(str(number), document.text)

        for prediction in predict(windows(), self.forward, self.outputs, batch_tokens=self.batch_tokens):
            document = waiting.popleft()
            yield document, replace(prediction, id=document.id)

    def windows(self, example_id: str, text: str) -> Iterator[Window]:
        """The windows of a text without known labels. An empty text has one, without tokens of its own."""
        tokens = self.cutter.tokens(text)
        return self.cutter.cut(example_id, tokens, [IGNORED] * len(tokens))


def load_bundle(folder: Path, *, threads: int | None = None) -> Predictor:
    """The predictor of a bundle whose every file has the declared SHA-256.

    `threads` as in CLINTUNE_THREADS, which holds where it is None. Raises BundleError where the bundle
    is not whole.
    """
    manifest = Manifest.read(folder)
    outputs = manifest.outputs
    names = input_names(len(outputs.companions))
    forward = _forward(folder / MODEL, names, threads=_threads() if threads is None else threads)
    return Predictor(cutter_of(folder, outputs), outputs, forward, manifest.batch_tokens)


def input_names(companions: int) -> list[str]:
    """What the inputs of model.onnx are called, in the order of Batch.inputs."""
    others = (f"companion_{number}_{name}" for number in range(1, companions + 1) for name in COMPANION)
    return [INPUT_IDS, MASK, *others]


def _threads() -> int:
    value = os.environ.get(THREADS, "0")
    if not value.isdecimal():
        raise UserError(THREADS, "is no whole number from 0", "set a number of threads, or unset it")
    return int(value)


def _forward(model: Path, names: Sequence[str], *, threads: int) -> Forward:
    # ONNX Runtime sends usage data unless this is set before it is imported: hence not at the top.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def forward(batch: Batch) -> Logits:
        logits: Logits = session.run([LOGITS], dict(zip(names, batch.inputs, strict=True)))[0]
        return logits

    return forward
