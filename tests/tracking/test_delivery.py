"""What a journal says is in a real store once, however often the sender is cut off and begins again."""

import json
import platform
import warnings
from itertools import pairwise

import pytest

from clintune.errors import TrackingError
from clintune.tracking import journal
from clintune.tracking.home import Home
from clintune.tracking.journal import Closed, Dataset, Journal, Metrics, Opened, Params, Tags
from tests.tracking.stores import files_of, runs_of

PIPELINE = journal.Pipeline(
    "host/1/2",
    "repro @ abc",
    900,
    {"dvc.kind": "pipeline", "dvc.exec_id": "host/1/2"},
    {"seed": "1"},
    "pipeline",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        from clintune.tracking.store import open_store

        yield open_store(Home(tmp_path_factory.mktemp("store") / ".clintune"))


@pytest.fixture
def spooled(tmp_path, request):
    """A closed run: 700 metrics in several kinds of records, so that delivery takes several steps."""
    tags = {"dvc.kind": "stage", "clintune.run": request.node.name}
    opened = Opened(request.node.name, "train", 1000, tags, "host/1/2", PIPELINE)
    run = Journal.open(tmp_path / "spool", opened, {"pipeline/params.yaml": b"seed: 1\n"})
    run.write(Params({f"sha256.{number}": "x" for number in range(150)}))
    run.write(Dataset("data/raw", "0" * 32 + ".dir", "raw", {"nfiles": 3}))
    for step in range(350):
        run.write(Metrics({"loss": 1 / (step + 1), "f1": 0.5}, step, 2000 + step))
    run.write(journal.Headline({"strict/f1": 0.5}, 2400))
    run.write(journal.Artifact(run.keep("packages.txt", "python==3\n"), "environment"))
    run.write(Tags({f"dvc.dep.{number}": "x" for number in range(150)}))
    run.close(Closed("FAILED", 9000, "no test split"))
    return run.folder


def seen(store, key: str) -> dict:
    """All that the store says of the runs with this key."""
    with_key = [run for run in runs_of(store.client) if run.data.tags.get("clintune.run") == key]
    return {
        "runs": [(run.info.status, run.info.end_time, run.data.params, run.data.tags) for run in with_key],
        "losses": [
            (one.step, one.value, one.timestamp)
            for run in with_key
            for one in store.client.get_metric_history(run.info.run_id, "loss")
        ],
        "files": [files_of(store.client, run.info.run_id) for run in with_key],
        "datasets": [[one.dataset.digest for one in run.inputs.dataset_inputs] for run in with_key],
    }


def test_a_run_arrives_whole_and_its_parent_is_made_and_ended(store, spooled):
    from clintune.tracking.delivery import deliver

    assert deliver(store, spooled, lambda: None)
    there = seen(store, spooled.name)
    [(status, end, params, tags)] = there["runs"]
    assert (status, end, len(params)) == ("FAILED", 9000, 150)
    assert tags["clintune.reason"] == "no test split"
    assert [step for step, _, _ in sorted(there["losses"])] == list(range(350))
    assert there["files"] == [{"environment/packages.txt"}]
    assert there["datasets"] == [["0" * 32 + ".dir"]]
    parent = store.client.get_run(tags["mlflow.parentRunId"])
    assert (parent.info.status, parent.info.end_time) == ("FAILED", 9000)
    assert files_of(store.client, parent.info.run_id) == {"params.yaml"}
    assert parent.data.params == {"seed": "1"}
    assert parent.data.metrics == {"strict/f1": 0.5}


class CutOffError(Exception):
    pass


@pytest.mark.parametrize("lost", [False, True], ids=["position kept", "position lost"])
def test_a_delivery_that_is_cut_off_after_any_step_goes_on_and_doubles_nothing(store, spooled, lost):
    from clintune.tracking.delivery import deliver

    def cut_off() -> None:
        raise CutOffError

    for _ in range(3):
        with pytest.raises(CutOffError):
            deliver(store, spooled, cut_off)
        if lost:
            (spooled / "position").write_text("")
    assert deliver(store, spooled, lambda: None)
    (spooled / "position").unlink()
    once = seen(store, spooled.name)
    assert deliver(store, spooled, lambda: None)
    assert seen(store, spooled.name) == once
    assert len(once["runs"]) == len(once["files"]) == len(once["datasets"]) == 1
    assert len(once["losses"]) == 350
    assert all(one[0] < two[0] for one, two in pairwise(sorted(once["losses"])))


def test_a_run_for_another_store_is_sent_there_from_its_beginning(spooled):
    from clintune.tracking.delivery import Position

    (spooled / "position").write_text(json.dumps({"uri": "http://former", "run_id": "1", "offset": 99}))
    assert Position.of(spooled, "http://now") == Position("http://now", "", 0)


def test_a_run_of_a_dead_process_that_the_spool_does_not_hold_is_marked_killed(store, tmp_path):
    import psutil

    from clintune.process import identity
    from clintune.tracking.dead_runs import close_dead_runs
    from clintune.tracking.delivery import create_run

    living = identity(psutil.Process())
    here = living.split("/", 1)[0]
    machine, gone = here.rpartition(".")[0], f"{here}/1/1"
    processes = {
        "dead": gone, "alive": living, "waits": gone, "abroad": "elsewhere/1/1",
        "before the boot": living.replace(here, f"{machine}.00000000"),
        "of the same name": living.replace(machine, f"{platform.node()}-00000000"),
    }  # fmt: skip
    ids = {
        name: create_run(store, name, 1, {"dvc.kind": "stage", "dvc.exec_id": process, "clintune.run": name})
        for name, process in processes.items()
    }
    waits = tmp_path / ".clintune" / "spool" / "waits"
    waits.mkdir(parents=True)
    (waits / "journal").touch()
    close_dead_runs(store, Home(tmp_path / ".clintune"))
    status = {name: store.client.get_run(run_id).info.status for name, run_id in ids.items()}
    assert {name for name in status if status[name] == "KILLED"} == {"dead", "before the boot"}
    assert {name for name in status if status[name] == "RUNNING"} == status.keys() - {
        "dead",
        "before the boot",
    }


@pytest.mark.usefixtures("store")  # MLflow is imported, and its warnings gone
def test_an_experiment_that_somebody_deleted_is_one_line_that_says_how_to_get_it_back(tmp_path, monkeypatch):
    from clintune.tracking.store import open_store

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    home = Home(tmp_path / ".clintune")
    store = open_store(home)
    store.client.delete_experiment(store.experiment_id)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(
        TrackingError, match="it was deleted in the tracking store; mlflow experiments restore"
    ):
        open_store(home)
    store.client.restore_experiment(store.experiment_id)
    assert open_store(home).experiment_id == store.experiment_id
