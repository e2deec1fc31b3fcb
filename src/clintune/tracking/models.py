"""MLflow models: packaged in the stage that made them, logged and registered by the sender."""

import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from clintune.tracking import limits
from clintune.tracking.journal import Model
from clintune.tracking.store import Store

_SERVED_MODEL = Path(__file__).with_name("served_model.py")
_LIBRARY = Path(__file__).parents[1]


def save_model(
    path: Path, bundle: Path, *, examples: Sequence[str], requirements: Sequence[str]
) -> None:
    """Package a bundle as an MLflow model: the code as files, no pickle.

    MLflow predicts the `examples`, records them, and takes the signature from the answers.
    Raises what MLflow or the bundle's loader raises.
    """
    # Otherwise MLflow takes the requirements from the project in the working folder.
    os.environ["MLFLOW_UV_AUTO_DETECT"] = "false"
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    with warnings.catch_warnings():
        # About type hints in MLflow's own code.
        warnings.simplefilter("ignore")
        from mlflow.pyfunc import save_model as save

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    save(
        path,
        python_model=_SERVED_MODEL,
        artifacts={"bundle": str(bundle)},
        code_paths=[str(_LIBRARY)],
        input_example=list(examples),
        pip_requirements=list(requirements),
    )


def log_model(store: Store, run_id: str, model: Model, folder: Path) -> None:
    """Log a saved model as the output of a run, and register it as a version with an alias.

    Each part is made only where a former try has not made it.
    """
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model as Description

    client, saved = store.client, folder / model.copy
    run = client.get_run(run_id)
    outputs = run.outputs.model_outputs if run.outputs else []
    tags = {limits.name(key): limits.tag(value) for key, value in model.tags.items()}
    if outputs:
        logged = client.get_logged_model(outputs[0].model_id)
    else:
        logged = client.create_logged_model(
            store.experiment_id, name=model.name, source_run_id=run_id, tags=tags, params=run.data.params
        )
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    description = Description.load(str(saved))
    description.run_id, description.model_id = run_id, logged.model_id
    description.artifact_path = logged.artifact_location
    description.save(str(saved / "MLmodel"))
    client.log_model_artifacts(logged.model_id, str(saved))
    client.finalize_logged_model(logged.model_id, "READY")
    _register(store, run_id, logged.model_id, model, tags)


def _register(store: Store, run_id: str, model_id: str, model: Model, tags: Mapping[str, str]) -> None:
    client, name = store.client, model.name
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    versions = client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
    if versions:
        version = versions[0].version
    else:
        version = client.create_model_version(
            name, f"models:/{model_id}", run_id, dict(tags), model_id=model_id, await_creation_for=0
        ).version
    client.set_registered_model_alias(name, model.alias, version)
