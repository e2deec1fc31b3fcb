"""The MLflow model around a bundle. MLflow runs this file when it saves or loads one; nobody imports it."""

import json
from dataclasses import asdict
from pathlib import Path

from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext


class ServedModel(PythonModel):
    """Texts in, predictions out: for each text its target, in the task's own terms, and the scores."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the bundle, as `clintune predict` does."""
        from clintune.serving import load_bundle

        self._predict = load_bundle(Path(context.artifacts["bundle"]))

    # Without a type for the answer MLflow takes its schema from a real one.
    def predict(self, model_input: list[str]):  # type: ignore[no-untyped-def]  # noqa: ANN201
        """One answer per text."""
        return json.loads(json.dumps([asdict(prediction) for prediction in self._predict(model_input)]))


set_model(ServedModel())
