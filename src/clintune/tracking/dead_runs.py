"""Runs that the store believes to be running, of processes that are gone, with nothing left in the spool."""

from clintune.process import is_alive
from clintune.tracking import pipeline_run
from clintune.tracking.home import Home
from clintune.tracking.journal import journals, now
from clintune.tracking.store import Store


def close_dead_runs(store: Store, home: Home) -> None:
    """End them as KILLED. Those of other machines are left alone: only they know."""
    spooled = {folder.name for folder in journals(home.spool)}
    running = store.client.search_runs([store.experiment_id], "attributes.status = 'RUNNING'")
    parents = set()
    for run in running:
        tags = run.data.tags
        dead = "dvc.exec_id" in tags and is_alive(tags["dvc.exec_id"]) is False
        if dead and tags.get("clintune.run") not in spooled:
            if tags["dvc.kind"] != "pipeline":
                store.client.set_terminated(run.info.run_id, "KILLED", now())
            if tags["dvc.kind"] == "pipeline" or "mlflow.parentRunId" in tags:
                parents.add(tags.get("mlflow.parentRunId", run.info.run_id))
    for parent in sorted(parents):
        pipeline_run.settle(store, parent)
