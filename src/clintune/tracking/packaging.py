"""A bundle as an MLflow model: made in the stage that made the bundle, so that what is wrong shows there."""

import logging
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

Answer: TypeAlias = Callable[[list[str]], list[Any]]
"""Texts in, one answer of JSON's types per text out."""


def save_model(
    path: Path,
    bundle: Path,
    *,
    load: Callable[[Path], Answer],
    library: Path,
    examples: Sequence[str],
    answer: Mapping[str, Any],
    requirements: Sequence[str],
) -> None:
    """Write an MLflow model to `path`: the bundle, and code as files. There is no pickle in it.

    `load` makes a bundle answer; it is a function of a module of this library, of which the folder `library`
    holds what serving needs. MLflow records the `examples`: only texts that may be shown. `answer` is one
    that could be given, for the signature: a real one may be empty. `requirements` are what serving needs
    besides, as pip spells it.
    Raises what MLflow or `load` raises.
    """
    # Otherwise MLflow takes the requirements from the project in the working folder.
    os.environ["MLFLOW_UV_AUTO_DETECT"] = "false"
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about type hints in MLflow's own code
        from mlflow import pyfunc

        from clintune.tracking import served_model
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    pyfunc.save_model(
        path,
        python_model=served_model.__file__,
        model_config={"module": load.__module__, "function": load.__name__},
        artifacts={"bundle": str(bundle)},
        code_paths=[str(library)],
        input_example=list(examples),
        pip_requirements=list(requirements),
    )
    _complete(path / "MLmodel", answer)
    # While saving, MLflow turns a model that cannot answer into a warning.
    pyfunc.load_model(str(path)).predict(list(examples))


def _complete(description: Path, answer: Mapping[str, Any]) -> None:
    """Say what the answers look like, and not where the library lay: MLflow goes by the file's name alone."""
    from mlflow.models import Model, ModelSignature, infer_signature

    model = Model.load(str(description))
    model.signature = ModelSignature(model.signature.inputs, infer_signature([answer]).inputs)
    flavor = model.flavors["python_function"]
    flavor["model_code_path"] = Path(flavor["model_code_path"]).name
    model.save(str(description))
