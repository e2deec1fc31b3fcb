"""MLflow models on their way to the store: logged as the output of a run, registered as a version."""

from collections.abc import Mapping
from pathlib import Path

from mlflow.entities import LoggedModelOutput
from mlflow.models import Model as Description

from clintune.tracking import limits, notes
from clintune.tracking.journal import Model
from clintune.tracking.store import Store


def log_model(store: Store, run_id: str, model: Model, folder: Path) -> None:
    """Log a saved model as the output of a run, and register it as a version with an alias.

    Each part is made only where a former try has not made it.
    """
    client, saved = store.client, folder / model.copy
    run = client.get_run(run_id)
    own = client.search_logged_models([store.experiment_id], f"source_run_id = '{run_id}'")
    made = [one for one in own if one.name == model.name]
    tags = limits.tags(model.tags)
    if made:
        logged = made[0]
    else:
        logged = client.create_logged_model(
            store.experiment_id, name=model.name, source_run_id=run_id, tags=tags, params=run.data.params
        )
    shown = {one.model_id for one in run.outputs.model_outputs} if run.outputs else set()
    if logged.model_id not in shown:
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
        client.create_registered_model(name, description=notes.registered(model.alias))
    versions = client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
    if versions:
        version = versions[0].version
    else:
        version = client.create_model_version(
            name, f"models:/{model_id}", run_id, dict(tags), description=model.description,
            model_id=model_id, await_creation_for=0,
        ).version  # fmt: skip
    client.set_registered_model_alias(name, model.alias, version)
