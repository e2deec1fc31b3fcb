"""clintune replay: a run comes out again from a clone, or the first place where it does not is named."""

import hashlib
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub.constants import HF_HUB_CACHE
from ruamel.yaml import YAML
from safetensors.numpy import load_file, save_file

from clintune.cli.replay import _expect_sealable, _forewarn
from clintune.errors import LedgerError, UserError
from clintune.evidence.replaying.certificate import METRICS, PREDICTIONS, Certificate, certify
from clintune.evidence.replaying.comparison import intervals
from clintune.evidence.replaying.originals import Originals
from clintune.evidence.replaying.rerun import Replayed, _bring_in, _models, _run, came_out, cloned
from clintune.evidence.replaying.target import Target, target_of
from clintune.evidence.replaying.variations import VARIATIONS, can_cut_off, conditions_of
from clintune.evidence.verification.sealed import ledger_in
from clintune.lockfile import read_lock
from clintune.recipes import recipe_file
from clintune.sealing.hashing import sums
from clintune.sealing.ledger import Ledger
from clintune.tracking.home import Home
from tests.project import Project
from tests.tampering import scene_of
from tests.tracking.stores import client_of, stage_runs

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def project(finished: Project, tmp_path_factory) -> Project:
    """After one run of everything, committed."""
    scene = scene_of(finished, tmp_path_factory.mktemp("replayed"))
    scene.project.commit("what came out")
    return scene.project


def replayed(project: Project, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = project.run("clintune", "replay", *arguments, "--json", ok=False, timeout=500)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_with_all_changed_that_must_not_matter_a_run_comes_out_again_and_that_is_sealed(project, tmp_path):
    """The variables of the first run are left behind, too. The clone writes the same dvc.lock."""
    there = tmp_path / "ünï code"
    there.mkdir()
    kept = tmp_path / "kept"
    elsewhere = Project(project.root, {"TMPDIR": str(there)})
    code, certificate = replayed(elsewhere, "--vary", "--keep", str(kept))
    assert (kept / "dvc.lock").read_bytes() == (project.root / "dvc.lock").read_bytes()
    assert (code, certificate["tier"], certificate["first"]) == (0, "bit-exact", None)
    assert certificate["claimed"] == []
    assert certificate["varied"] == [name for name in VARIATIONS if name != "host" or can_cut_off()]
    assert certificate["outputs"]["same"] == certificate["outputs"]["all"] > 20
    assert certificate["profile"] == "portable"
    assert 0 < certificate["overhead"] < certificate["seconds"]
    assert certificate["environment"] == []
    assert certificate["numeric_class"] == {}
    assert certificate["commit"] == head(project)
    assert certificate["offline"] == can_cut_off()
    [(_, sealed)] = ledger_in(project.root / ".clintune/ledger").of_kind("certificate")
    assert sealed.items() >= certificate.items()
    assert project.run("git", "status", "--porcelain").stdout == ""
    assert project.run("clintune", "verify").returncode == 0


def changed(record: dict[str, Any], *path: str, value: Any) -> dict[str, Any]:
    """A copy with another value at a place."""
    copy = json.loads(json.dumps(record))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return copy


@pytest.fixture
def records(project) -> dict[str, Any]:
    return {
        record["stage"]: record for _, record in ledger_in(project.root / ".clintune/ledger").of_kind("stage")
    }


def came(project: Project, target: Target, again: dict[str, Any], folder: Path) -> Replayed:
    """As it came out in `folder`."""
    originals = Originals(project.root, target, folder.parent / "originals")
    return Replayed(folder, originals, again, True, (), False, 3.0, 2.0)


def certified(project: Project, sealed: dict[str, Any], again: dict[str, Any], folder: Path) -> Certificate:
    target = Target("c" * 40, read_lock(project.root / "dvc.lock"), sealed, frozenset(sealed))
    return certify(target, came(project, target, again, folder), project.root, {})


def test_another_line_of_code_is_the_first_difference_and_makes_no_other_model(project, records, tmp_path):
    code = "src/clintune/training/losses.py"
    other = {"sha256": "0" * 64, "size": 1}
    again = {stage: changed(record, "inputs", code, value=other) if code in record["inputs"] else record
             for stage, record in records.items()}  # fmt: skip
    found = certified(project, records, again, tmp_path)
    assert (found.first.stage, found.first.kind, found.first.place) == ("pretrain", "input", code)
    assert found.tier == "bit-exact"


def test_another_param_is_named_with_both_values(project, records, tmp_path):
    train = changed(records["train"], "lock", "params", "params.yaml", "train", "epochs", value=7)
    found = certified(project, records, {**records, "train": train}, tmp_path)
    assert (found.first.place, found.first.where) == ("train.epochs", "was 6, is 7")


def test_another_package_and_another_processor_are_named(project, records, tmp_path):
    package = {"version": "1.0", "record_sha256": ""}
    other = {
        stage: changed(
            changed(record, "environment", "distributions", "numpy", value=package),
            "numeric_class", "numerics.cpu", value="A CPU",
        )
        for stage, record in records.items()
    }  # fmt: skip
    found = certified(project, records, other, tmp_path)
    assert [(one.place, one.again) for one in found.environment] == [("numpy", "1.0")]
    assert found.numeric_class["numerics.cpu"][1] == "A CPU"
    assert any(line.startswith("package numpy: was 2") for line in found.lines())


def tampered(
    project: Project, records: dict[str, Any], folder: Path, change: Callable[[Path], None]
) -> Certificate:
    """The verdict where a replay left other files: `change` makes them."""
    project.run("cp", "-a", "data", str(folder / "data"))
    change(folder)
    again = {
        stage: {**record, "outputs": sums(folder, record["outputs"])} for stage, record in records.items()
    }
    return certified(project, records, again, folder)


def test_other_weights_with_the_same_answers_are_predictions_exact_and_the_tensor_is_named(
    project, records, tmp_path
):
    def nudge(folder: Path) -> None:
        file = folder / "data/checkpoint/model.safetensors"
        tensors = load_file(file)
        name = min(tensors)
        tensors[name].flat[0] += 0.5
        save_file(tensors, file)

    found = tampered(project, records, tmp_path, nudge)
    assert found.tier == "predictions exact"
    assert (found.first.stage, found.first.kind) == ("train", "output")
    assert "1 of " in found.first.where
    assert "0.5 apart" in found.first.where


def test_other_weights_without_any_answer_diverge(project, records, tmp_path):
    def nudge(folder: Path) -> None:
        file = folder / "data/checkpoint/model.safetensors"
        save_file({name: tensor + 1 for name, tensor in load_file(file).items()}, file)

    trained = {stage: records[stage] for stage in list(records)[: list(records).index("train") + 1]}
    assert tampered(project, trained, tmp_path, nudge).tier == "diverged"


def test_the_ages_of_files_outside_of_a_clone_are_left_alone(tmp_path):
    [conditions] = [one for one in conditions_of("each") if "times" in one.varied]
    for name in ("outside", "clone/inside"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "clone/link").symlink_to(tmp_path / "outside")
    before = (tmp_path / "outside").stat().st_mtime_ns
    conditions.age(tmp_path / "clone")
    assert (tmp_path / "outside").stat().st_mtime_ns == before
    assert (tmp_path / "clone/inside").stat().st_mtime < 10**9


def test_other_answers_diverge_and_the_row_is_named(project, records, tmp_path):
    def drop(folder: Path) -> None:
        file = folder / PREDICTIONS
        table = pq.read_table(file)
        rows = table.to_pylist()
        rows[2]["target"], rows[2]["scores"] = [], []
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
        scores = json.loads((folder / METRICS).read_text())
        scores["strict"]["f1"] -= 0.1
        (folder / METRICS).write_text(json.dumps(scores))

    found = tampered(project, records, tmp_path, drop)
    assert found.tier == "diverged"
    rows = [one for one in found.lines() if one.startswith("first difference")]
    assert rows[0].startswith(f"first difference: stage evaluate, output {METRICS}: key strict.f1: ")


def test_the_same_answers_with_other_scores_diverge(project, records, tmp_path):
    """Whatever computed them is another program now."""

    def rescore(folder: Path) -> None:
        other_scores(folder, 0.1)
        rewritten(folder / PREDICTIONS)

    assert tampered(project, records, tmp_path, rescore).tier == "diverged"


def other_scores(folder: Path, less: float) -> None:
    scores = json.loads((folder / METRICS).read_text())
    scores["strict"]["f1"] -= less
    (folder / METRICS).write_text(json.dumps(scores))


def rewritten(file: Path) -> None:
    """The same table, in other bytes."""
    pq.write_table(pq.read_table(file), file, compression="none")


def test_what_came_out_close_enough_holds_and_what_was_sealed_is_no_claim(project, records, tmp_path):
    def nudge(folder: Path) -> None:
        other_scores(folder, 0.001)
        rewritten(folder / PREDICTIONS)

    found = tampered(project, records, tmp_path, nudge)
    assert (found.tier, found.claimed, found.holds) == ("predictions exact", (), True)
    assert found.first.place == METRICS


def headlined(records: dict[str, Any], more: float) -> dict[str, Any]:
    """As they are, had the run of `evaluate` reported another F1."""
    f1 = records["evaluate"]["reported"]["headline"]["strict/f1"]
    path = ("reported", "headline", "strict/f1")
    return {**records, "evaluate": changed(records["evaluate"], *path, value=f1 + more)}


@pytest.mark.parametrize("more", [0.3, 0.001])
def test_a_score_that_was_sealed_and_never_was_is_a_claim_that_did_not_come_out(
    project, records, tmp_path, more
):
    """A lie told while the stage ran: its files are honest, and every one came out again."""
    found = tampered(project, headlined(records, more), tmp_path, lambda _: None)
    assert (found.tier, found.claimed) == ("bit-exact", ())
    again = {stage: {**one, "outputs": sums(tmp_path, one["outputs"])} for stage, one in records.items()}
    found = certified(project, headlined(records, more), again, tmp_path)
    assert (found.tier, found.holds) == ("bit-exact", False)
    assert [f"{one.kind} {one.place}" for one in found.claimed] == ["score metric strict/f1"]
    assert any(line.startswith("claimed, and not so: stage evaluate, score") for line in found.lines())


@pytest.mark.parametrize(("more", "holds"), [(0.001, True), (0.3, False)])
def test_a_score_may_be_as_far_off_as_those_in_the_files(project, records, tmp_path, more, holds):
    project.run("cp", "-a", "data", str(tmp_path / "data"))
    other_scores(tmp_path, 0.001)
    again = {stage: {**one, "outputs": sums(tmp_path, one["outputs"])} for stage, one in records.items()}
    found = certified(project, headlined(records, more), again, tmp_path)
    assert (found.tier, found.holds) == ("predictions exact", holds)


def again_in(folder: Path, records: dict[str, Any]) -> dict[str, Any]:
    """As it came out there, where only files are others."""
    return {stage: {**one, "outputs": sums(folder, one["outputs"])} for stage, one in records.items()}


def reported(records: dict[str, Any], stage: str, part: str, name: str, value: Any) -> dict[str, Any]:
    """As they are, had the run of a stage reported something else."""
    return {**records, stage: changed(records[stage], "reported", part, name, value=value)}


def bettered(points: list[list[Any]]) -> list[list[Any]]:
    """The first value in the last digits, the last one by far."""
    (step, value, at), *rest, (last, _, end) = points
    return [[step, value + 1e-9, at], *rest, [last, 0.999, end]]


@pytest.mark.parametrize(
    ("place", "change", "where"),
    [
        (("train", "validation/f1"), bettered, "says 0.999, is "),
        (("train", "validation/f1"), lambda points: points[:-1], "says nothing, is "),
        (("train", "train/loss"), lambda points: [*points, points[-1]], "is nothing"),
        (("train", "more/f1"), lambda _: [[1, 0.9, 1]], "at step 1 says 0.9, is nothing"),
        (("evaluate", "label/Drug/f1"), lambda points: [[0, 0.999, points[0][2]]], "says 0.999, is "),
    ],
)
def test_a_curve_that_was_sealed_and_never_was_is_a_claim_that_did_not_come_out(
    project, records, tmp_path, place, change, where
):
    project.run("cp", "-a", "data", str(tmp_path / "data"))
    stage, name = place
    points = records[stage]["reported"]["metrics"].get(name, [])
    lie, again = reported(records, stage, "metrics", name, change(points)), again_in(tmp_path, records)
    found = certified(project, lie, again, tmp_path)
    assert (found.tier, found.holds) == ("bit-exact", False)
    [one] = found.claimed
    assert (one.stage, one.kind, one.place) == (stage, "metric", name)
    assert where in one.where
    assert found.metrics["same"] == found.metrics["all"] - 1 > 100
    found = certified(project, records, reported(records, stage, "metrics", name, []), project.root)
    assert found.holds == (not points)


def test_when_a_metric_was_reported_and_how_fast_the_machine_was_is_no_claim(project, records, tmp_path):
    project.run("cp", "-a", "data", str(tmp_path / "data"))
    metrics = {
        name: [[step, value * 2 if name.endswith(("memory_mib", "per_second")) else value, at + 1]
               for step, value, at in points]
        for name, points in records["train"]["reported"]["metrics"].items()
    }  # fmt: skip
    slower = {**records, "train": changed(records["train"], "reported", "metrics", value=metrics)}
    found = certified(project, records, again_in(tmp_path, slower), tmp_path)
    assert (found.first, found.claimed) == (None, ())
    assert found.metrics["same"] == found.metrics["all"]


@pytest.mark.parametrize(("more", "holds"), [(1e-7, True), (0.3, False)])
def test_on_another_processor_a_metric_may_be_another_in_its_last_digits(
    project, records, tmp_path, more, holds
):
    """As the largest difference of scores in export, which stands in no file."""
    project.run("cp", "-a", "data", str(tmp_path / "data"))
    name = "compared/largest_score_difference"
    [[step, value, at]] = records["export"]["reported"]["metrics"][name]
    lie = reported(records, "export", "metrics", name, [[step, value + more, at]])
    again = again_in(tmp_path, records)
    assert not certified(project, lie, again, tmp_path).holds
    export = changed(again["export"], "numeric_class", "cpu.model", value="another")
    assert certified(project, lie, {**again, "export": export}, tmp_path).holds == holds


def test_metrics_of_a_stage_that_wrote_something_else_are_counted_and_no_claim(project, records, tmp_path):
    project.run("cp", "-a", "data", str(tmp_path / "data"))
    other_scores(tmp_path, 0.001)
    lie = reported(records, "evaluate", "metrics", "label/Drug/f1", [[0, 0.999, 1]])
    found = certified(project, lie, again_in(tmp_path, records), tmp_path)
    assert (found.tier, found.claimed) == ("predictions exact", ())
    counted = f"{found.metrics['all'] - 1} of {found.metrics['all']} metrics have the same values"
    assert counted in found.lines()


def test_an_artifact_that_is_not_the_file_which_the_stage_wrote_is_a_claim(project, records, tmp_path):
    project.run("cp", "-a", "data", str(tmp_path / "data"))
    lie = reported(records, "evaluate", "artifacts", "report.html", "0" * 64)
    found = certified(project, lie, again_in(tmp_path, records), tmp_path)
    assert [f"{one.kind} {one.place}" for one in found.claimed] == ["artifact report.html"]


def test_files_of_another_run_that_lie_here_today_are_no_claims_of_the_one_that_is_replayed(
    project, records, tmp_path
):
    """And what it wrote is compared from DVC's cache."""
    copy = project.copy(tmp_path / "copy")
    model = copy.root / "data/checkpoint/model.safetensors"
    tensors = load_file(model)
    model.unlink()
    save_file({**tensors, min(tensors): tensors[min(tensors)] + 1}, model)
    lock = read_lock(project.root / "dvc.lock")
    older = Target("c" * 40, lock, records, frozenset(lock) - {"train"})

    def nudge(folder: Path) -> None:
        file = folder / "data/checkpoint/model.safetensors"
        save_file({**tensors, max(tensors): tensors[max(tensors)] + 1}, file)

    folder = tmp_path / "clone"
    folder.mkdir()
    copy.run("cp", "-a", str(project.root / "data"), str(folder / "data"))
    nudge(folder)
    again = {stage: {**one, "outputs": sums(folder, one["outputs"])} for stage, one in records.items()}
    found = certify(older, came(copy, older, again, folder), copy.root, {})
    assert found.claimed == ()
    assert found.tier == "predictions exact"
    assert found.first.where.startswith(f"tensor {max(tensors)}: ")


def first_line(certificate: Certificate) -> str:
    return next(line for line in certificate.lines() if line.startswith("first difference"))


def test_one_label_is_found_where_the_corpus_came_in(project, records, tmp_path):
    def mislabel(folder: Path) -> None:
        [file, *_] = sorted((folder / "data/raw/files").iterdir())
        file.write_bytes(file.read_bytes().replace(b'"Disease"', b'"Symptom"', 1))

    found = tampered(project, records, tmp_path, mislabel)
    assert (found.first.stage, found.first.kind) == ("ingest", "output")
    assert "byte " in found.first.where


def test_another_seed_is_named_at_the_first_stage_that_reads_it(project, records, tmp_path):
    again = {
        stage: changed(record, "lock", "params", "params.yaml", "seed", value=18)
        if "seed" in record["lock"].get("params", {}).get("params.yaml", {}) else record
        for stage, record in records.items()
    }  # fmt: skip
    found = certified(project, records, again, tmp_path)
    assert first_line(found) == "first difference: stage ingest, param seed: was 17, is 18"


def test_another_order_of_rows_is_found_where_it_began(project, records, tmp_path):
    def exchange(folder: Path) -> None:
        file = folder / "data/examples/train.parquet"
        table = pq.read_table(file)
        pq.write_table(table.take([1, 0, *range(2, len(table))]), file)

    found = tampered(project, records, tmp_path, exchange)
    assert (found.first.stage, found.first.place) == ("preprocess", "data/examples/train.parquet")
    assert found.first.where.startswith("row 1, column ")


def claimed(project: Project, records: dict[str, Any], lock=None, shown=None) -> list[str]:
    """What is said today and did not come out, where the replay is as what was sealed."""
    target = Target("c" * 40, lock or read_lock(project.root / "dvc.lock"), records, frozenset(records))
    again = came(project, target, records, project.root)
    certificate = certify(target, again, project.root, shown or {})
    assert certificate.holds == (not certificate.claimed)
    return [f"{one.stage} {one.kind} {one.place}" for one in certificate.claimed]


def test_a_metric_that_was_edited_in_the_store_or_in_its_file_is_named(project, records):
    assert claimed(project, records) == []
    shown = {"evaluate": {**records["evaluate"]["reported"]["headline"], "strict/f1": 0.99}}
    assert claimed(project, records, shown=shown) == ["evaluate run metric strict/f1"]
    file = project.root / METRICS
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"0.", b"0.9", 1))
    assert claimed(project, records) == [f"evaluate file {METRICS}"]
    file.write_bytes(whole)


def test_a_metric_that_is_no_score_is_named_too_where_it_was_edited_or_added(project, records):
    history = records["train"]["reported"]["metrics"]
    shown = {name: points[-1][1] for name, points in history.items()}
    assert claimed(project, records, shown={"train": shown}) == []
    assert claimed(project, records, shown={"train": {**shown, "best/score": 0.99, "more/f1": 0.9}}) == [
        "train run metric best/score", "train run metric more/f1"
    ]  # fmt: skip


def test_a_model_that_was_swapped_is_named(project, records):
    file = project.root / "data/bundle/model.onnx"
    whole = file.read_bytes()
    file.unlink()
    file.write_bytes(whole[:-1])
    assert claimed(project, records) == ["export file data/bundle/model.onnx"]
    file.write_bytes(whole)


def test_a_lock_that_was_fabricated_is_named(project, records):
    lock = json.loads(json.dumps(read_lock(project.root / "dvc.lock")))
    lock["train"]["outs"][0]["md5"] = "0" * 32
    [found] = claimed(project, records, lock=lock)
    assert found == f"train lock dvc.lock: out {lock['train']['outs'][0]['path']}"


def test_a_param_that_was_written_into_the_lock_afterwards_is_named(project, records):
    lock = json.loads(json.dumps(read_lock(project.root / "dvc.lock")))
    lock["train"]["params"]["params.yaml"]["train"]["epochs"] = 60
    assert claimed(project, records, lock=lock) == ["train lock dvc.lock: param train.epochs"]


def brought(project: Project, records: dict[str, Any], folder: Path, sha256: str) -> None:
    """A corpus that git does not know, which ingest read with this SHA-256."""
    (project.root / "corpora").mkdir(exist_ok=True)
    (project.root / "corpora/notes.txt").write_text("as it is today", encoding="utf-8")
    read = {**records["ingest"]["inputs"], "corpora/notes.txt": {"sha256": sha256, "size": 14}}
    lock = {"ingest": {**records["ingest"]["lock"], "deps": [{"path": "corpora", "md5": "0" * 32 + ".dir"}]}}
    target = Target("c" * 40, lock, {"ingest": {**records["ingest"], "inputs": read}}, frozenset())
    _bring_in(project.root, folder, target)


def test_a_corpus_is_brought_in_as_it_was_read_or_not_at_all(project, records, tmp_path):
    copy = project.copy(tmp_path / "copy")
    (tmp_path / "clone").mkdir()
    with pytest.raises(
        UserError, match=r"notes.txt: a stage read it with SHA-256 0000.*; now it is [0-9a-f]{64}"
    ):
        brought(copy, records, tmp_path / "clone", "0" * 64)
    assert not (tmp_path / "clone/corpora").exists()
    brought(copy, records, tmp_path / "clone", hashlib.sha256(b"as it is today").hexdigest())
    assert (tmp_path / "clone/corpora/notes.txt").read_text() == "as it is today"


def test_the_clone_in_which_a_stage_failed_is_there_to_look_at(project, tmp_path):
    copy = project.copy(tmp_path / "copy")
    script = copy.root / "pipeline/ingest.py"
    script.write_text(f"raise SystemExit(3)\n{script.read_text()}")
    copy.commit("broken")
    done = copy.run("clintune", "replay", "--keep", str(tmp_path / "kept"), ok=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("dvc repro: ended with 255 in the clone; ")
    assert (tmp_path / "kept/pipeline/ingest.py").exists()


def test_what_differed_before_a_stage_failed_is_named(project, tmp_path):
    """With this seed no patient is left for validation."""
    copy = project.copy(tmp_path / "copy")
    copy.params({"seed": 18})
    copy.commit("another seed")
    done = copy.run("clintune", "replay", ok=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no record of 48 is left for validation" in done.stderr
    last = done.stderr.splitlines()[-1]
    assert "in the clone, after a difference in stage ingest, param seed: was 17, is 18; what it says" in last


def run_named(project: Project, stage: str) -> Any:
    return next(run for run in stage_runs(client_of(project)) if run.info.run_name == stage)


def test_what_came_out_is_hashed_where_it_lies_whatever_the_clone_says_of_it(project, records, tmp_path):
    """The clone's records are written by the code that is replayed: it may repeat those that were sealed."""
    project.run("cp", "-a", "data", str(tmp_path / "data"))
    (tmp_path / "data/checkpoint/model.safetensors").write_bytes(b"other weights")
    target = Target("c" * 40, read_lock(project.root / "dvc.lock"), records, frozenset(records))
    found = certified(project, records, came_out(target, tmp_path, records), tmp_path)
    assert (found.tier, found.first.place) == ("predictions exact", "data/checkpoint/model.safetensors")
    with pytest.raises(UserError, match="export: it sealed no record in the clone"):
        came_out(target, tmp_path, {stage: one for stage, one in records.items() if stage != "export"})


def test_where_no_verdict_can_be_sealed_nothing_runs(project, records, tmp_path):
    home = Home(tmp_path / ".clintune")
    home.root.mkdir()
    home.ledger.write_text("a file in place of the folder")
    with pytest.raises(LedgerError, match="the verdict cannot be sealed there"):
        _expect_sealable(home)
    home.ledger.unlink()
    home.ledger.mkdir()
    Ledger(home.ledger).file.write_text("no line\n")
    with pytest.raises(LedgerError, match="no line of a ledger"):
        _expect_sealable(home)


def test_packages_that_are_others_are_said_before_anything_runs(records, capsys):
    older = {"version": "1.0", "record_sha256": ""}
    export = changed(records["export"], "environment", "distributions", "numpy", value=older)
    for record, said in ((records["export"], 0), (export, 1)):
        _forewarn(Target("c" * 40, {}, {**records, "export": record}, frozenset()))
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == said
    assert lines[0].startswith("other packages than those of the run: numpy was 1.0, is 2.")
    assert lines[0].endswith("; --build-environment installs what the commit locks")


def of_folders(root: Path, *names: str) -> None:
    """A params.yaml whose base model, and whose companions, are those of folders."""
    yaml = YAML()
    tree = yaml.load(recipe_file("synthetic"))
    encoders = [
        {**tree["model"], "source": "folder", "name": name, "weights_sha256": "0" * 64} for name in names
    ]
    own = [{key: one for key, one in encoder.items() if key not in {"companions", "fusion"}}
           for encoder in encoders]  # fmt: skip
    tree["model"] |= own[0]
    if own[1:]:
        tree["model"] |= {"companions": own[1:], "fusion": "concatenation"}
        each = {"strategy": {"kind": "full"}, "learning_rate": 0.001}
        tree["train"]["strategy"] = {"kind": "hybrid", "encoders": [each] * len(own)}
    root.mkdir()
    with (root / "params.yaml").open("w", encoding="utf-8") as stream:
        yaml.dump(tree, stream)


def test_base_models_that_git_does_not_know_come_along(tmp_path):
    """One is in the commit, one lies elsewhere on this machine, one is used twice, one is nowhere."""
    root, clone = tmp_path / "project", tmp_path / "clone"
    names = ["models/own", "models/own", "known", str(tmp_path / "elsewhere"), "nowhere"]
    for folder in (root, clone):
        of_folders(folder, *names)
    for name in ("models/own", "known", "../elsewhere"):
        (root / name).mkdir(parents=True)
        (root / name / "config.json").write_text("here")
    (clone / "known").mkdir()
    (clone / "known/config.json").write_text("in the commit")
    _bring_in(root, clone, Target("c" * 40, {}, {}, frozenset()))
    found = {path.relative_to(clone).as_posix(): path.read_text() for path in clone.rglob("config.json")}
    assert found == {"models/own/config.json": "here", "known/config.json": "in the commit"}


def test_params_that_this_version_does_not_know_name_no_base_model(tmp_path):
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    assert list(_models(tmp_path, tmp_path)) == []


def test_models_of_the_hub_are_where_this_user_has_them(tmp_path):
    """There is another home; what is read is compared with its sum, and nothing is fetched."""
    programs, clone = tmp_path / "programs", tmp_path / "clone"
    for folder in (programs, clone):
        folder.mkdir()
    (programs / "dvc").write_text("#!/bin/sh\nenv > said\nexit 3\n")
    (programs / "dvc").chmod(0o755)
    [conditions] = conditions_of(None)
    assert _run(clone, tmp_path, programs, conditions, stages=["train"], apart=False) == 3
    said = (clone / "said").read_text().splitlines()
    assert {f"HF_HUB_CACHE={HF_HUB_CACHE}", "HF_HUB_OFFLINE=1", f"HOME={tmp_path / 'home'}"} <= set(said)


def test_a_run_is_found_by_its_id_and_an_execution_by_its_id_and_its_name(project, records):
    place, stages = Home(project.root / ".clintune"), list(records)
    train = run_named(project, "train")
    for name in (train.info.run_id, records["train"]["run"]):
        target = target_of(project.root, place, name)
        assert list(target.records) == stages[: stages.index("train") + 1]
        assert target.commit == records["train"]["code"]["commit"]
    for name in (train.data.tags["mlflow.parentRunId"], records["train"]["execution"]["name"]):
        assert list(target_of(project.root, place, name).records) == stages


def test_a_run_of_uncommitted_code_cannot_be_cloned(project, records, tmp_path):
    copy = project.copy(tmp_path / "copy")
    place = Home(copy.root / ".clintune")
    dirty = changed(records["ingest"], "code", "dirty", value=True)
    Ledger(place.ledger).append("stage", "dirty", {**dirty, "run": "a-run"}, at=0)
    with pytest.raises(UserError, match="a-run: it ran with changes, or beside code, that no commit has"):
        target_of(copy.root, place, "a-run")


def test_scores_with_an_interval_are_those_whose_ends_stand_beside_them():
    metrics = {"strict": {"f1": 0.9, "f1_low": 0.8, "f1_high": 0.95, "gold": 3}, "ece": 0.1}
    assert intervals(metrics) == {"strict.f1": (0.9, 0.8, 0.95)}


def test_each_variation_is_a_replay_of_its_own(tmp_path):
    assert [one.varied for one in conditions_of("each")] == [{name} for name in VARIATIONS]
    assert [len(one.varied) for one in (*conditions_of("all"), *conditions_of(None))] == [10, 0]


def test_a_listing_is_backwards_where_the_order_of_files_is_varied(tmp_path):
    [conditions] = [one for one in conditions_of("each") if "order" in one.varied]
    for name in "abc":
        (tmp_path / "files" / name).mkdir(parents=True)
    code = "import os, pathlib; print(*os.listdir('files'), *(one.name for one in os.scandir('files')))"
    found = Project(tmp_path, conditions.environment(tmp_path)).run("python", "-c", code)
    assert found.stdout.split() == ["c", "b", "a", "c", "b", "a"]


def test_the_clone_may_be_kept_but_replaces_nothing(project, tmp_path):
    done = project.run("clintune", "replay", "--keep", str(tmp_path), ok=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{tmp_path}: is there already; name a folder that is not\n"


def test_where_no_clone_can_be_kept_nothing_is_replayed(project, tmp_path):
    (tmp_path / "file").touch()
    done = project.run("clintune", "replay", "--keep", str(tmp_path / "file/clone"), ok=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr == f"{tmp_path}/file/clone: no folder can be made there (Not a directory); name another\n"
    )


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_each_variation_alone_comes_out_again(project):
    code, certificates = replayed(project, "--vary=each")
    assert (code, [one["tier"] for one in certificates]) == (0, ["bit-exact"] * len(VARIATIONS))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_rows_in_an_order_that_nobody_chose_are_found_by_a_replay(project, tmp_path):
    """Python hashes a text to another number each time it starts: so does an order of a set, or this one."""
    copy = project.copy(tmp_path / "copy")
    file = copy.root / "src/clintune/preprocessing/preprocess.py"
    unordered = "in sorted(records, key=lambda one: hash(one[0].example.id)):"
    file.write_text(file.read_text().replace("in records:", unordered))
    copy.run("dvc", "repro")
    copy.commit("rows as they come")
    _, certificate = replayed(copy, "--keep", str(tmp_path / "kept"))
    first, place = certificate["first"], "data/examples/test.parquet"
    assert (first["stage"], first["kind"], first["place"]) == ("preprocess", "output", place)
    # By chance the first rows may be the same.
    ids = (pq.read_table(root / place)["id"].to_pylist() for root in (copy.root, tmp_path / "kept"))
    row = next(number for number, (was, now) in enumerate(zip(*ids, strict=True), start=1) if was != now)
    assert first["where"].startswith(f"row {row}, column id")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_another_version_of_a_library_is_found_by_a_replay_in_the_environment_that_a_commit_locks(
    project, tmp_path
):
    """Parquet files name the program that wrote them: other bytes, the same answers."""
    copy = project.copy(tmp_path / "copy")
    locked = relock(copy, tmp_path / "wheels", OLDER)
    copy.commit("another library in the lock")
    code, certificate = replayed(copy, "--build-environment")
    assert locked != OLDER
    name, version = OLDER.split("==")
    packages = {one["place"]: one for one in certificate["environment"]}
    package = packages.pop(name)
    assert package["where"].startswith(f"was {locked.partition('==')[2]} ")
    assert f", is {version} " in package["where"]
    assert {one["again"] for one in packages.values()} <= {"missing"}  # those of development, such as pytest
    first = certificate["first"]
    assert (first["stage"], first["kind"]) == ("preprocess", "output")
    assert first["place"].startswith("data/examples/")
    assert (code, certificate["tier"]) == (0, "predictions exact")


OLDER = "pyarrow==24.0.0"


def relock(project: Project, folder: Path, requirement: str) -> str:
    """Put the requirement into requirements.lock with the hash of its wheel here; what was locked before."""
    project.run("python", "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), requirement)
    [wheel] = folder.iterdir()
    lock, name = project.root / "requirements.lock", requirement.partition("==")[0]
    found = re.search(rf"^{name}==\S+ \\\n(    --hash=\S+( \\)?\n)+", whole := lock.read_text(), re.MULTILINE)
    stanza = f"{requirement} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
    lock.write_text(whole.replace(found[0], stanza))
    return found[0].split()[0]


def planted_code(project: Project) -> None:
    file = project.root / "src/clintune/training/losses.py"
    file.write_text(f"{file.read_text()}\n# another line\n")


def planted_label(project: Project) -> None:
    file = project.root / "src/clintune/sources/synthetic/vocabulary.yaml"
    file.write_text(file.read_text().replace("Disease", "Illness"))


def planted_seed(project: Project) -> None:
    project.params({"seed": 19})


def planted_param(project: Project) -> None:
    project.params({"train": {"epochs": 5}})


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (planted_code, ("pretrain", "input", "src/clintune/training/losses.py")),
        (planted_label, ("ingest", "input", "src/clintune/sources/synthetic/vocabulary.yaml")),
        (planted_seed, ("ingest", "param", "seed")),
        (planted_param, ("train", "param", "train.epochs")),
    ],
    ids=["line of code", "label", "seed", "param"],
)
def test_what_a_later_commit_changed_is_found_by_a_replay_of_it(project, tmp_path, plant, expected):
    """dvc.lock is that of the commit before: somebody changed something and did not run it."""
    copy = project.copy(tmp_path / "copy")
    plant(copy)
    copy.commit("something else")
    _, certificate = replayed(copy)
    assert tuple(certificate["first"][key] for key in ("stage", "kind", "place")) == expected


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_all_that_is_claimed_today_and_never_was_is_found_by_one_replay(project, tmp_path):
    """A weight, a model, a metric in the store and an entry of dvc.lock, each changed by hand."""
    copy = project.copy(tmp_path / "copy")
    weights, model = (
        copy.root / f"data/{name}" for name in ("checkpoint/model.safetensors", "bundle/model.onnx")
    )
    tensors = load_file(weights)
    name = min(tensors)
    tensors[name].flat[0] += 0.5
    weights.unlink()
    save_file(tensors, weights)
    whole = model.read_bytes()
    model.unlink()
    model.write_bytes(whole[:-1])
    client = client_of(copy)
    client.log_metric(run_named(copy, "evaluate").info.run_id, "strict/f1", 0.999, step=10)
    lock = copy.root / "dvc.lock"
    lock.write_text(lock.read_text().replace("epochs: 6", "epochs: 60"))
    code, certificate = replayed(copy)
    assert (code, certificate["tier"]) == (1, "bit-exact")
    found = {(one["stage"], one["kind"], one["place"]): one["where"] for one in certificate["claimed"]}
    assert found.keys() == {
        ("train", "lock", "dvc.lock: param train.epochs"),
        ("train", "file", "data/checkpoint/model.safetensors"),
        ("evaluate", "run", "metric strict/f1"),
        ("export", "file", "data/bundle/model.onnx"),
    }
    assert found["train", "file", "data/checkpoint/model.safetensors"].startswith(f"tensor {name}: 1 of ")


def test_a_commit_without_records_here_cannot_be_replayed(project, tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(project.root), str(clone)], check=True)
    done = Project(clone).run("clintune", "replay", ok=False)
    assert done.returncode == 2
    assert "no record here says how ingest" in done.stderr


def test_a_revision_that_there_is_not_is_one_line(project):
    done = project.run("clintune", "replay", "v9", ok=False)
    assert done.returncode == 2
    assert done.stderr.startswith("v9: no commit, run or execution is called so;")
    assert len(done.stderr.splitlines()) == 1


def test_a_project_below_others_in_a_repository_is_replayed_where_it_lies(tmp_path):
    repository = Project(tmp_path / "all of them")
    folder = repository.root / "models/患者"
    folder.mkdir(parents=True)
    repository.run("git", "init", "-q")
    for setting in ("user.name", "user.email"):
        repository.run("git", "config", setting, "somebody")
    (repository.root / "README").touch()
    repository.commit("before")
    before = head(repository)
    (folder / "dvc.lock").write_text("stages: {}\n")
    repository.commit("after")
    after = head(repository)
    (folder / "dvc.lock").write_text("of today\n")
    clone = cloned(folder, after, tmp_path / "clone")
    assert clone == tmp_path / "clone/models/患者"
    assert (clone / "dvc.lock").read_text() == "stages: {}\n"
    with pytest.raises(UserError, match="it does not hold models/患者/; name a commit that does"):
        cloned(folder, before, tmp_path / "another")


def head(repository: Project) -> str:
    return repository.run("git", "rev-parse", "HEAD").stdout.strip()
