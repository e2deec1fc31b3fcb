"""clintune predict: documents in, predictions out."""

import json
from collections.abc import Iterator
from pathlib import Path

from clintune.serving import load_bundle
from clintune.serving.documents import read_documents
from clintune.tasks.answers import ANSWERS


def predict(bundle: Path, documents: Path) -> Iterator[str]:
    """One line of JSON per document, in order: its id and its answer, as an MLflow server gives it.

    Raises BundleError before anything is read, DocumentError at the first line that is not a document.
    """
    predictor = load_bundle(bundle)
    answer, outputs = ANSWERS[predictor.outputs.task], predictor.outputs.labels
    for document, prediction in predictor(read_documents(documents)):
        said = answer(document.text, prediction, outputs)
        yield json.dumps({"id": document.id, **said}, ensure_ascii=False)
