"""self_check.json: what a bundle predicted when it was made, for a consumer to see again."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from clintune.batching import Logits, pad
from clintune.checkpoints import Outputs
from clintune.examples import Prediction
from clintune.files import read_json, write_json
from clintune.serving.documents import Document
from clintune.serving.predictor import Predictor, load_bundle
from clintune.tasks.codecs import CODECS

SELF_CHECK = "self_check.json"
PROBE = "Frau Öztürk, 61: 2型糖尿病 (type 2 diabetes mellitus) 🩺, no chest pain. Metformin 500 mg b.i.d."
"""A sentence of ours, with accents, Chinese and a character beyond 16 bits: offsets go wrong there first."""

TOLERANCE = 1e-3
"""How far logits and scores of two runtimes may lie apart: float32 and another order of sums give 1e-5."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a predictor says of a text: the decoded prediction, and the logits of window 1.

    They are [token, label], or [output] where a text has one answer.
    """

    prediction: Prediction[Any]
    logits: Logits

    @classmethod
    def of(cls, predictor: Predictor, text: str) -> Self:
        """Ask."""
        [(_, prediction)] = predictor([Document("probe", text)])
        first_window = next(predictor.windows("probe", text))
        return cls(prediction, predictor.forward(pad([first_window]))[0])

    def differences(self, expected: Self, outputs: Outputs, *, tolerance: float) -> list[str]:
        """In what this is not as expected; nothing if it is."""
        if self.logits.shape != expected.logits.shape:
            return [f"logits have shape {self.logits.shape}, expected {expected.logits.shape}"]
        found = []
        # Not a number is no agreement.
        if not (apart := float(np.abs(self.logits - expected.logits).max())) <= tolerance:
            found.append(f"logits lie {apart:.1e} apart, allowed are {tolerance:.0e}")
        said, wanted = self.prediction, expected.prediction
        apart = CODECS[outputs.task].apart(said, wanted, outputs)
        if apart == math.inf:
            found.append(f"the prediction is {said.target}, expected {wanted.target}")
        elif not apart <= tolerance:
            found.append(f"scores or values lie {apart:.1e} apart: {said}, expected {wanted}")
        return found


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """What held when the bundle was made.

    Every item (span, label, value) that evaluation predicted for its `examples` came out the same, `items`
    in all, with scores within `tolerance`. To `text`, torch gave `answer`.
    """

    examples: int
    items: int
    tolerance: float
    text: str
    answer: Answer

    def write(self, folder: Path, task: str) -> None:
        """As self_check.json."""
        said = self.answer.prediction
        content = {
            "compared": {"examples": self.examples, "items": self.items},
            "tolerance": self.tolerance,
            "probe": {
                "text": self.text,
                "target": CODECS[task].target.pack(said.target),
                "scores": _short(list(said.scores)),
                "logits": _short(self.answer.logits.tolist()),
            },
        }
        write_json(folder / SELF_CHECK, content)

    @classmethod
    def read(cls, folder: Path, task: str) -> Self:
        """What `write` wrote."""
        content = read_json(folder / SELF_CHECK)
        probe = content["probe"]
        said = Prediction("probe", CODECS[task].target.unpack(probe["target"]), tuple(probe["scores"]))
        return cls(
            **content["compared"],
            tolerance=content["tolerance"],
            text=probe["text"],
            answer=Answer(said, np.array(probe["logits"], dtype=np.float32)),
        )


def self_check(folder: Path, *, threads: int | None = None) -> tuple[SelfCheck, list[str]]:
    """Predict the probe again, here and now: what was expected, and what differs.

    `threads` as in load_bundle. Raises BundleError where the bundle is not whole.
    """
    predictor = load_bundle(folder, threads=threads)
    expected = SelfCheck.read(folder, predictor.outputs.task)
    said = Answer.of(predictor, expected.text)
    outputs = predictor.outputs
    return expected, said.differences(expected.answer, outputs, tolerance=expected.tolerance)


def _short(values: list[Any]) -> list[Any]:
    """Rounded, however deep: finer than the tolerance is of no use to a reader."""
    return [_short(value) if isinstance(value, list) else round(value, 5) for value in values]
