"""The MLflow model around a bundle. MLflow runs this file when it saves or loads one."""

from importlib import import_module
from pathlib import Path

from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext


class ServedModel(PythonModel):
    """Texts in, answers out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the bundle with the function that it was packaged with."""
        load = getattr(import_module(context.model_config["module"]), context.model_config["function"])
        self._answer = load(Path(context.artifacts["bundle"]))

    # No type for the answer: MLflow's hints know no list of JSON objects. Packaging writes its schema.
    def predict(self, model_input: list[str]):  # type: ignore[no-untyped-def,override]  # noqa: ANN201
        """One answer per text, in order."""
        return self._answer(model_input)


set_model(ServedModel())
