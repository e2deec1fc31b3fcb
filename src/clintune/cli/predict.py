"""clintune predict: documents in, predictions out."""

from collections.abc import Iterator
from pathlib import Path

from clintune.cli.answer import as_json
from clintune.errors import BundleError
from clintune.serving import load_bundle
from clintune.serving.documents import read_documents
from clintune.tasks.answers import ANSWERS


def predict(bundle: Path, documents: Path) -> Iterator[str]:
    """One line of JSON per document, in order: its id and its answer, as an MLflow server gives it.

    Raises BundleError before anything is read, DocumentError at the first line that is not a document.
    """
    _expect_utf8(bundle)
    predictor = load_bundle(bundle)
    answer, outputs = ANSWERS[predictor.outputs.task], predictor.outputs.labels
    for document, prediction in predictor(read_documents(documents)):
        said = answer(document.text, prediction, outputs)
        yield as_json({"id": document.id, **said})


def _expect_utf8(bundle: Path) -> None:
    """ONNX Runtime opens no file of another name. Raises BundleError."""
    try:
        str(bundle).encode("utf-8")
    except UnicodeEncodeError:
        step = "rename the folder, or name the bundle from inside it"
        raise BundleError(ascii(str(bundle)), "a path that is not UTF-8", step) from None
