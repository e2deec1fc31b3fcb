"""The run of one pipeline execution: parent of the runs of its stages, and what they amount to."""

from pathlib import Path

from mlflow.entities import Metric, Param

from clintune.tracking import limits
from clintune.tracking.journal import Headline, Pipeline
from clintune.tracking.store import Store


def begin(store: Store, pipeline: Pipeline, folder: Path) -> str:
    """The run of this execution, made by the first stage that runs; again RUNNING for a later one."""
    client = store.client
    found = client.search_runs(
        [store.experiment_id],
        f"tags.`dvc.exec_id` = '{pipeline.process}' and tags.`dvc.kind` = 'pipeline'",
        max_results=1,
    )
    if found:
        run_id = str(found[0].info.run_id)
        if found[0].info.status != "RUNNING":
            client.update_run(run_id, status="RUNNING")
    else:
        tags = limits.tags(pipeline.tags)
        run = client.create_run(
            store.experiment_id, start_time=pipeline.start, tags=tags, run_name=pipeline.name
        )
        run_id = str(run.info.run_id)
    if not client.list_artifacts(run_id):
        params = [Param(*pair) for pair in limits.params(pipeline.params).items()]
        client.log_batch(run_id, params=params)
        client.log_artifacts(run_id, str(folder / pipeline.files))
    return run_id


def show(store: Store, stage_run: str, headline: Headline) -> None:
    """Repeat the headline of a stage in the run of its execution; a stage started by hand has none."""
    parent = store.client.get_run(stage_run).data.tags.get("mlflow.parentRunId")
    if parent is not None:
        values = headline.values.items()
        metrics = [Metric(limits.name(key), value, headline.at, 0) for key, value in values]
        store.client.log_batch(parent, metrics)


def settle(store: Store, run_id: str) -> None:
    """End the pipeline run as its stages ended: the worst of them, at the end of the last of them."""
    stages = store.client.search_runs([store.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'")
    statuses = {stage.info.status for stage in stages}
    if not stages or "RUNNING" in statuses:
        return
    worst = next((status for status in ("FAILED", "KILLED") if status in statuses), "FINISHED")
    store.client.set_terminated(run_id, worst, max(stage.info.end_time for stage in stages))
