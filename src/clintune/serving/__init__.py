"""Predict with a bundle: ONNX Runtime on the CPU, no torch. The consumer's way, which export checks."""

from clintune.serving.documents import Document
from clintune.serving.predictor import Predictor, load_bundle

__all__ = ["Document", "Predictor", "load_bundle"]
