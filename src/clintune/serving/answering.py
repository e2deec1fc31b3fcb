"""Texts in, plain JSON out: what a bundle is for a program that serves it, MLflow's included."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from clintune.serving.documents import checked_document
from clintune.serving.predictor import load_bundle
from clintune.tasks.answers import ANSWERS


def load(bundle: Path) -> Callable[[Sequence[str]], list[dict[str, Any]]]:
    """A function that gives one answer per text, in order: what `clintune predict` writes beside the id.

    Raises BundleError; the function raises DocumentError for a text that is none, and answers nothing then.
    """
    predictor = load_bundle(bundle)
    answer = ANSWERS[predictor.outputs.task]

    def answers(texts: Sequence[str]) -> list[dict[str, Any]]:
        documents = [
            checked_document(str(number), text, f"text {number}") for number, text in enumerate(texts, 1)
        ]
        return [
            answer(document.text, prediction, predictor.outputs.labels)
            for document, prediction in predictor(documents)
        ]

    return answers
