"""clintune predict: documents in, predictions out."""

import json
from collections.abc import Iterator
from pathlib import Path

from clintune.serving import load_bundle
from clintune.serving.documents import read_documents
from clintune.tasks.codecs import CODECS


def predict(bundle: Path, documents: Path) -> Iterator[str]:
    """One line of JSON per document, in order: its id, its target (characters of its text), the scores.

    Raises BundleError before anything is read, DocumentError at the first line that is not a document.
    """
    predictor = load_bundle(bundle)
    target = CODECS[predictor.outputs.task].target
    for document, prediction in predictor(read_documents(documents)):
        scores = [round(score, 6) for score in prediction.scores]
        line = {"id": document.id, "target": target.pack(prediction.target), "scores": scores}
        yield json.dumps(line, ensure_ascii=False)
