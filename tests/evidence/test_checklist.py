"""The checklist: each verdict follows from the records, and what contradicts it turns it over."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from clintune.errors import UserError
from clintune.evidence.checklist.asks import ASKS, KEYS
from clintune.evidence.checklist.checking import judge, parts
from clintune.evidence.checklist.facts import Facts, gather
from clintune.evidence.checklist.items import Item, Unknown
from clintune.evidence.checklist.packages import Locked, read_locks
from clintune.evidence.checklist.report.page import render
from clintune.evidence.checklist.signatures import Signature
from clintune.evidence.declared import (
    Acceptance,
    Bound,
    Declaration,
    read_acceptance,
    read_declarations,
)
from clintune.evidence.subject import Chain, Subject, subject_of
from clintune.evidence.verification.findings import Finding
from clintune.lockfile import entry_sha256
from clintune.sealing.canonical import digest
from clintune.sealing.ledger import FIRST, Line
from clintune.tracking.home import Home
from tests.planting import planted
from tests.project import ROOT, Project

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]

WEIGHTS = "data/checkpoint/model.safetensors"
CERTIFICATE = {
    "kind": "certificate", "commit": "c" * 40, "tier": "bit-exact", "first": None, "offline": True,
    "outputs": {"all": 34, "same": 34}, "environment": [], "numeric_class": {}, "seconds": 1.0,
    "stages": [], "entries": {}, "claimed": [], "scores": {}, "own_environment": False,
    "profile": "portable", "varied": [], "overhead": 0.1,
}  # fmt: skip
SIGNATURES = (
    Signature("A. Example", "author", "made by me", "2026-01-15", holds=True),
    Signature("B. Example", "approver", "reviewed and approved", "2026-01-16", holds=True),
)


@pytest.fixture(scope="module")
def subject(finished: Project) -> Subject:
    root = finished.root
    return subject_of(root, Home(root / ".clintune"))


@pytest.fixture(scope="module")
def stock(subject: Subject) -> Facts:
    """The finished project as it is: notes of a program, nothing declared, no replay, few in test."""
    return gather(subject, [], [])


@pytest.fixture(scope="module")
def good(stock: Facts) -> Facts:
    """The same, had it been of people, with enough of them, declared, replayed, signed, with five seeds."""
    strict = {**stock.metrics["strict"], "f1_low": 0.3, "f1_high": 0.4}
    metrics = {
        **stock.metrics, "strict": strict, "macro": {**stock.metrics["macro"], "f1_low": 0.3, "f1_high": 0.4},
        "baseline": {"words": {"f1": 0.1, "ahead": 0.25, "ahead_low": 0.2, "ahead_high": 0.3}},
        "subgroup": {"sex": {"female": {"f1": 0.3, "gold": 80}, "male": {"f1": 0.4, "gold": 90}}},
    }  # fmt: skip
    commit = stock.record("evaluate")["code"]["commit"]
    said = {
        key: Declaration(statement=f"about {key}", by="A. Example", date=stock.params_since) for key in KEYS
    }
    facts = replace(
        stock,
        metrics=metrics,
        params={**stock.params, "ingest": {**stock.params["ingest"], "source": "files"}},
        subject=replace(stock.subject, chain=with_seeds(stock, 4)),
        certificates=[("d" * 64, CERTIFICATE)],
        signatures=SIGNATURES,
        declarations=said,
        acceptance=Acceptance(metrics={"strict.f1": Bound(at_least=0.3)}),
        sums={**stock.sums, "acceptance.yaml": "a" * 64},
        repository=replace(stock.repository, files={commit: {"acceptance.yaml": "a" * 64}}),
    )
    assert facts.reads
    return facts


def with_seeds(facts: Facts, more: int) -> Chain:
    """The ledger after that many more runs of train and evaluate, each with another seed."""
    chain = facts.subject.chain
    lines, records = list(chain.lines), dict(chain.records)
    for seed in range(100, 100 + more):
        weights = {"sha256": f"{seed:064x}", "size": 1}
        train, evaluate = (
            changed(facts.record(stage), "lock", "params", "params.yaml", "seed", value=seed)
            for stage in ("train", "evaluate")
        )
        train["outputs"][WEIGHTS] = evaluate["inputs"][WEIGHTS] = weights
        evaluate["reported"]["headline"]["strict/f1"] += seed / 1000
        for record in (train, evaluate):
            records[digest(record)] = record
            lines.append(Line(len(lines) + 1, 0, "stage", record["stage"], digest(record), FIRST))
    return Chain(lines, records)


def changed(tree: Any, *path: str, value: Any) -> Any:
    """A copy with another value at a place."""
    copy = json.loads(json.dumps(tree))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return copy


def item(facts: Facts, number: int) -> Item:
    return judge(facts).items[number - 1]


def test_the_items_are_43_and_numbered():
    assert [ask.number for ask in ASKS] == list(range(1, 44))


def test_of_the_stock_project_nothing_fails_and_nothing_is_declared(stock):
    counts = judge(stock).counts
    assert (counts["FAIL"], counts["DECLARED"]) == (0, 0)
    assert counts["PASS"] >= 15
    assert counts["MISSING"] >= 15


def test_at_least_30_items_rest_on_machine_evidence(stock, good):
    assert judge(stock).evidenced >= 30
    assert judge(good).evidenced >= 30


def test_where_all_is_there_each_item_passes_or_is_declared(good):
    left = {
        one.ask.number: one.verdict for one in judge(good).items if one.verdict not in {"PASS", "DECLARED"}
    }
    assert left == {25: "N-A"}


def test_every_number_names_a_file_or_record_and_its_hash(good):
    known = {*good.sealed.sums.values(), *good.record_sums.values(), *good.sums.values(), "d" * 64}
    known |= {line.hash for line in good.subject.chain.lines} | set(good.subject.chain.records)
    for one in judge(good).items:
        for evidence in one.evidence:
            assert evidence.place
            assert evidence.sha256 in known or evidence.place in {"mlflow.db", "signatures"}, evidence


# What is planted: facts with one thing changed, as a person would who has something to hide.


def record(facts: Facts, stage: str, *path: str, value: Any) -> Facts:
    records = {**facts.subject.records, stage: changed(facts.record(stage), *path, value=value)}
    return replace(facts, subject=replace(facts.subject, records=records))


def tree(name: str, *path: str, value: Any) -> Callable[[Facts], Facts]:
    return lambda facts: replace(facts, **{name: changed(getattr(facts, name), *path, value=value)})


def count(name: str, value: Any) -> Callable[[Facts], Facts]:
    return lambda facts: replace(facts, census=replace(facts.census, **{name: value}))


def found(kind: Any, place: str, field: str = "") -> Callable[[Facts], Facts]:
    return lambda facts: replace(facts, findings=[Finding(kind, place, field, "1", "2")])


def dirty(facts: Facts) -> Facts:
    return record(facts, "train", "code", "dirty", value=True)


def unknown_commit(facts: Facts) -> Facts:
    return record(facts, "train", "code", "commit", value="e" * 40)


def code_beside_git(facts: Facts) -> Facts:
    return replace(facts, repository=replace(facts.repository, unknown=("src/hidden.py",)))


def object_of_another_name(facts: Facts) -> Facts:
    return replace(facts, repository=replace(facts.repository, forged=("error: 61780: hash-path mismatch",)))


def code_that_git_overlooked(facts: Facts) -> Facts:
    """`git update-index --assume-unchanged` before an edit: the run is not dirty."""
    code = "src/clintune/training/losses.py"
    return record(facts, "train", "inputs", code, value={"sha256": "f" * 64, "size": 1})


def unpinned(facts: Facts) -> Facts:
    return tree("params", "model", "tokenizer_sha256", value=None)(facts)


def unpinned_weights(facts: Facts) -> Facts:
    return tree("params", "model", "scratch", value=None)(facts)


def hub_without_revision(facts: Facts) -> Facts:
    return tree("params", "model", "source", value="hub")(facts)


def param_not_recorded(facts: Facts) -> Facts:
    params = {
        key: one for key, one in facts.record("train")["reported"]["params"].items() if key != "train.epochs"
    }
    return record(facts, "train", "reported", "params", value=params)


def package_without_files(facts: Facts) -> Facts:
    package = {"version": "1", "record_sha256": ""}
    return record(facts, "train", "environment", "distributions", "numpy", value=package)


def another_version(facts: Facts) -> Facts:
    package = {"version": "1.0.1", "record_sha256": "f" * 64}
    return record(facts, "evaluate", "environment", "distributions", "numpy", value=package)


def package_in_no_lock(facts: Facts) -> Facts:
    package = {"version": "1.0.1", "record_sha256": "f" * 64}
    return record(facts, "evaluate", "environment", "distributions", "helpful", value=package)


def package_gone(facts: Facts) -> Facts:
    distributions = dict(facts.record("train")["environment"]["distributions"])
    del distributions["numpy"]
    return record(facts, "train", "environment", "distributions", value=distributions)


def lock_without_a_hash(facts: Facts) -> Facts:
    lock = {**facts.locks["requirements.lock"], "numpy": Locked("2.4.6", 0, True)}
    return replace(facts, locks={**facts.locks, "requirements.lock": lock})


def no_processor(facts: Facts) -> Facts:
    return record(facts, "train", "numeric_class", "numerics.cpu", value="")


def other_threads(facts: Facts) -> Facts:
    return record(facts, "evaluate", "numeric_class", "numerics.threads", value="64")


def nobody(facts: Facts) -> Facts:
    return record(facts, "train", "by", value="")


def row_lost(facts: Facts) -> Facts:
    path = "data/evaluation/predictions.parquet"
    return replace(facts, rows={**facts.rows, path: facts.rows[path] - 1})


def train_reads_test(facts: Facts) -> Facts:
    inputs = facts.record("train")["inputs"] | {"data/windows/test.parquet": {"sha256": "0" * 64, "size": 1}}
    return record(facts, "train", "inputs", value=inputs)


def train_reads_raw(facts: Facts) -> Facts:
    inputs = facts.record("train")["inputs"] | {"data/raw/files/a.jsonl": {"sha256": "0" * 64, "size": 1}}
    return record(facts, "train", "inputs", value=inputs)


def export_before_scores(facts: Facts) -> Facts:
    inputs = dict(facts.record("export")["inputs"])
    del inputs["data/evaluation/metrics.json"]
    return record(facts, "export", "inputs", value=inputs)


def other_cells(facts: Facts) -> Facts:
    return count("cells", changed(facts.census.cells, "sex", "male", "train", value=1))(facts)


def leaked(facts: Facts) -> Facts:
    hits = (("data/bundle/MODEL_CARD.md", 1),)
    return replace(facts, leaks=replace(facts.leaks, hits=hits))


def half_read(facts: Facts) -> Facts:
    return replace(facts, leaks=replace(facts.leaks, read=1))


def diverged(facts: Facts) -> Facts:
    return replace(facts, certificates=[*facts.certificates, ("d" * 64, {**CERTIFICATE, "tier": "diverged"})])


def claimed_otherwise(facts: Facts) -> Facts:
    claims = {**CERTIFICATE, "claimed": [{"stage": "evaluate", "kind": "run", "place": "metric strict/f1"}]}
    return replace(facts, certificates=[*facts.certificates, ("d" * 64, claims)])


def no_replay(facts: Facts) -> Facts:
    return replace(facts, certificates=[])


def bounds_missed(facts: Facts) -> Facts:
    return replace(facts, acceptance=Acceptance(metrics={"strict.f1": Bound(at_least=0.9)}))


def bounds_of_nothing(facts: Facts) -> Facts:
    return replace(facts, acceptance=Acceptance(metrics={"strict.f2": Bound(at_most=0.9)}))


def bounds_of_a_word(facts: Facts) -> Facts:
    facts = replace(facts, metrics={**facts.metrics, "task": "entities"})
    return replace(facts, acceptance=Acceptance(metrics={"task": Bound(at_most=0.9)}))


def bounds_missed_without_git(facts: Facts) -> Facts:
    return replace(bounds_missed(facts), repository=None)


def bounds_after_the_fact(facts: Facts) -> Facts:
    return replace(facts, sums={**facts.sums, "acceptance.yaml": "b" * 64})


def no_bounds(facts: Facts) -> Facts:
    return replace(facts, acceptance=None)


def four_seeds(facts: Facts) -> Facts:
    return replace(facts, subject=replace(facts.subject, chain=with_seeds(replace_chain(facts), 3)))


ORDER = ("ingest", "preprocess", "pretrain", "tokenize", "train", "evaluate")


def fifth_seed(facts: Facts, first: str, *path: str, value: Any) -> Facts:
    """After four seeds one more, which differs in something else: all from stage `first` on ran anew."""
    facts, other, records = four_seeds(facts), dict[str, Any](), list[tuple[str, Any]]()
    for stage in ORDER[ORDER.index(first) :]:
        run = changed(facts.record(stage), "run", value=f"another {stage}")
        if stage == first:
            run = changed(run, *path, value=value)
        if "seed" in run["lock"]["params"]["params.yaml"]:
            run = changed(run, "lock", "params", "params.yaml", "seed", value=900)
        run["inputs"] = {name: other.get(name, one) for name, one in run["inputs"].items()}
        run["outputs"] = {
            name: {"sha256": digest([name, "other"]), "size": 1} for name in run["outputs"]
        }  # fmt: skip
        other |= run["outputs"]
        records.append(("stage", run))
    return replace(facts, subject=with_records(facts.subject, *records))


def the_same_with_another_seed(facts: Facts) -> Facts:
    return fifth_seed(facts, "ingest", "run", value="another ingest")


def other_notes_for_a_seed(facts: Facts) -> Facts:
    params = ("lock", "params", "params.yaml", "ingest", "synthetic", "patients")
    return fifth_seed(facts, "ingest", *params, value=25)


def other_windows_for_a_seed(facts: Facts) -> Facts:
    return fifth_seed(facts, "tokenize", "lock", "params", "params.yaml", "tokenize", "overlap", value=8)


def another_corpus_for_a_seed(facts: Facts) -> Facts:
    return fifth_seed(facts, "ingest", "inputs", "corpora/a.txt", value={"sha256": "c" * 64, "size": 1})


def replace_chain(facts: Facts) -> Facts:
    """Without the seeds that were added."""
    chain = facts.subject.chain
    lines = [line for line in chain.lines if line.previous != FIRST or line.number == 1]
    return replace(facts, subject=replace(facts.subject, chain=Chain(lines, chain.records)))


def other_params_for_a_seed(facts: Facts) -> Facts:
    return record(facts, "train", "lock", "params", "params.yaml", "train", "epochs", value=7)


def lied_to_the_store(facts: Facts) -> Facts:
    return record(facts, "evaluate", "reported", "headline", "strict/f1", value=0.99)


def own_approval(facts: Facts) -> Facts:
    return replace(facts, signatures=[SIGNATURES[0], replace(SIGNATURES[1], by=facts.record("train")["by"])])


def one_signer(facts: Facts) -> Facts:
    return replace(facts, signatures=SIGNATURES[:1])


def broken_signature(facts: Facts) -> Facts:
    return replace(facts, signatures=[SIGNATURES[0], replace(SIGNATURES[1], holds=False)])


def unsigned(facts: Facts) -> Facts:
    return replace(facts, signatures=[])


def pickle(facts: Facts) -> Facts:
    outputs = {**facts.record("train")["outputs"], "data/checkpoint/training_args.bin": {"sha256": "0" * 64}}
    return record(facts, "train", "outputs", value=outputs)


def store_elsewhere(facts: Facts) -> Facts:
    return replace(facts, trail=None)


def run_waits(facts: Facts) -> Facts:
    return replace(facts, waiting=1)


def number_changed_in_the_report(facts: Facts) -> Facts:
    return replace(facts, report=facts.report.replace(f"{facts.metrics['strict']['f1']:.3f}", "0.999"))


@dataclass(frozen=True)
class Plant:
    number: int
    violate: Callable[[Facts], Facts]
    verdict: str
    says: str
    name: str = ""


STRICT = ("strict", "f1")
PLANTS = (
    Plant(2, dirty, "FAIL", "that no commit has"),
    Plant(2, unknown_commit, "FAIL", "not in this repository"),
    Plant(2, code_beside_git, "FAIL", "not in git"),
    Plant(2, object_of_another_name, "FAIL", "git holds objects under the names of others"),
    Plant(2, code_that_git_overlooked, "FAIL", "train ran 1 files that are others in its commit (src/"),
    Plant(3, found("output", "data/examples/test.parquet"), "FAIL", "data/examples/test.parquet", "changed"),
    Plant(3, found("output", "data/raw/files/Jane Doe.txt"), "FAIL", "1 files of the corpus", "corpus"),
    Plant(4, unpinned, "FAIL", "tokenizer"),
    Plant(4, unpinned_weights, "FAIL", "weights"),
    Plant(4, hub_without_revision, "FAIL", "revision"),
    Plant(5, param_not_recorded, "FAIL", "train.epochs"),
    Plant(5, found("param", "params.yaml", "train.epochs"), "FAIL", "train.epochs", "edited"),
    Plant(6, package_without_files, "FAIL", "numpy"),
    Plant(7, another_version, "FAIL", "numpy 1.0.1, locked is"),
    Plant(7, package_in_no_lock, "FAIL", "helpful 1.0.1, in no lock file"),
    Plant(7, package_gone, "FAIL", "numpy was not installed"),
    Plant(7, lock_without_a_hash, "FAIL", "without a hash (numpy)"),
    Plant(8, no_processor, "MISSING", "numerics.cpu"),
    Plant(8, other_threads, "FAIL", "numerics.threads"),
    Plant(9, nobody, "FAIL", "nobody is named for train"),
    Plant(13, tree("summary", "records", "quarantined", value=3), "FAIL", "48 kept + 3", "sum"),
    Plant(13, tree("summary", "splits", "train", "in", value=50), "FAIL", "train: 50 in", "split"),
    Plant(14, row_lost, "FAIL", "test: 12 kept, 11 predicted"),
    Plant(14, tree("windows", "train", "examples", value=31), "FAIL", "31 cut", "cut"),
    Plant(14, tree("metrics", "documents", value=11), "FAIL", "11 scored", "scored"),
    Plant(15, count("shared_groups", 1), "FAIL", "1 groups in two splits", "group"),
    Plant(15, count("same", 2), "FAIL", "2 texts that an earlier split has", "text"),
    Plant(15, count("near", 3), "FAIL", "3 texts that an earlier split nearly has", "near"),
    Plant(16, train_reads_test, "FAIL", "train reads the test split"),
    Plant(16, export_before_scores, "FAIL", "before it is scored"),
    Plant(18, other_cells, "FAIL", "other values of sex"),
    Plant(19, count("empty", 1), "FAIL", "1 records have no text", "empty"),
    Plant(20, count("illegal", 1), "FAIL", "1 examples have a target that cannot be", "illegal"),
    Plant(22, count("old", 1), "FAIL", "1 texts have an age of 90", "old"),
    Plant(23, leaked, "FAIL", "MODEL_CARD.md"),
    Plant(23, half_read, "MISSING", "1 of"),
    Plant(25, tree("params", "train", "noise", value=1.0), "MISSING", "noise asks for it", "claimed"),
    Plant(26, diverged, "FAIL", "diverged"),
    Plant(26, claimed_otherwise, "FAIL", "1 claims did not come out"),
    Plant(26, no_replay, "MISSING", "clintune replay"),
    Plant(27, train_reads_test, "FAIL", "train reads data/windows/test.parquet"),
    Plant(27, train_reads_raw, "FAIL", "train reads data/raw"),
    Plant(27, count("foreign", 4), "FAIL", "4 windows", "window"),
    Plant(28, bounds_missed, "FAIL", "not at least 0.9"),
    Plant(28, bounds_of_nothing, "FAIL", "has no strict.f2"),
    Plant(28, bounds_of_a_word, "FAIL", "has no task that is a number"),
    Plant(28, bounds_missed_without_git, "FAIL", "not at least 0.9"),
    Plant(28, bounds_after_the_fact, "FAIL", "has not these bounds"),
    Plant(28, no_bounds, "MISSING", "acceptance.yaml"),
    Plant(29, tree("metrics", *STRICT, value=0.9), "FAIL", "strict/f1 lies outside", "outside"),
    Plant(29, tree("metrics", "macro", "f1_low", value=0.9), "FAIL", "1 intervals end before", "backwards"),
    Plant(29, tree("metrics", "strict", "f1_low", value=None), "MISSING", "no interval", "none"),
    Plant(30, four_seeds, "MISSING", "4 of 5 seeds"),
    Plant(30, other_params_for_a_seed, "MISSING", "of 5 seeds"),
    Plant(30, other_notes_for_a_seed, "MISSING", "4 of 5 seeds"),
    Plant(30, other_windows_for_a_seed, "MISSING", "4 of 5 seeds"),
    Plant(30, another_corpus_for_a_seed, "MISSING", "4 of 5 seeds"),
    Plant(31, tree("metrics", "baseline", "words", "ahead", value=-0.1), "FAIL", "not ahead of", "behind"),
    Plant(31, tree("metrics", "baseline", value={}), "MISSING", "evaluate.baselines", "none"),
    Plant(32, tree("metrics", "subgroup", "sex", "male", "gold", value=900), "FAIL", "more gold", "too many"),
    Plant(32, tree("metrics", "subgroup", "sex", value={}), "MISSING", "no attribute", "none"),
    Plant(33, tree("metrics", "confidence", "ece", value=0.01), "FAIL", "metrics.json says 0.010", "better"),
    Plant(37, tree("metrics", "errors", "missed", value=1), "FAIL", "gold errors do not add up", "fewer"),
    Plant(38, found("trail", "mlflow.db", "update"), "FAIL", "update of the trail is 2", "gap"),
    Plant(38, found("run", "abc", "metric f1"), "FAIL", "1 records were changed", "metric"),
    Plant(38, store_elsewhere, "MISSING", "the store is a server"),
    Plant(39, found("cache", ".dvc/cache/x"), "FAIL", "1 differences", "cache"),
    Plant(39, run_waits, "MISSING", "1 runs wait to be sent"),
    Plant(40, number_changed_in_the_report, "FAIL", "not in report.html"),
    Plant(40, lied_to_the_store, "FAIL", "1 scores of the run are not those of metrics.json (strict/f1)"),
    Plant(41, own_approval, "FAIL", "approves their own work"),
    Plant(41, one_signer, "FAIL", "1 of 2 people"),
    Plant(41, broken_signature, "FAIL", "does not hold"),
    Plant(41, unsigned, "MISSING", "nobody has signed"),
    Plant(42, pickle, "FAIL", "training_args.bin"),
)  # fmt: skip


def named(plant: Plant) -> str:
    return f"{plant.number:02}-{plant.name or plant.violate.__name__}"


@pytest.mark.parametrize("plant", PLANTS, ids=named)
def test_what_is_planted_turns_the_item_over_and_is_named(good, plant):
    before, after = item(good, plant.number), item(plant.violate(good), plant.number)
    assert before.verdict in {"PASS", "DECLARED", "N-A"}
    assert after.verdict == plant.verdict, after
    assert plant.says in after.reason


def test_notes_that_another_seed_wrote_are_those_of_that_seed(good):
    found = item(the_same_with_another_seed(good), 30)
    assert (found.verdict, len(found.evidence)) == ("PASS", 5), found


def test_every_item_with_machine_evidence_has_something_planted(good):
    evidenced = {one.ask.number for one in judge(good).items if one.evidence}
    assert evidenced <= {plant.number for plant in PLANTS}
    assert len(evidenced) >= 30


def test_records_of_a_program_have_no_annotators_and_no_people(stock):
    for number in (17, 21, 22):
        assert item(stock, number).verdict == "N-A"


@pytest.mark.parametrize(
    "ask", [ask for ask in ASKS if ask.key], ids=lambda ask: f"{ask.number:02}-{ask.key}"
)
def test_what_people_must_say_is_declared_missing_or_stale(good, ask):
    said = good.declarations[ask.key]
    one = item(good, ask.number)
    assert (one.verdict, one.declared) == ("DECLARED", said)
    assert f"declared by A. Example on {said.date}" in one.reason
    rest = {key: value for key, value in good.declarations.items() if key != ask.key}
    missing = item(replace(good, declarations=rest), ask.number)
    assert (missing.verdict, missing.declared) == ("MISSING", None)
    old = said.model_copy(update={"date": said.date - timedelta(days=1)})
    stale = item(replace(good, declarations={**rest, ask.key: old}), ask.number)
    assert (stale.verdict, stale.declared) == ("MISSING", old)
    assert "stale" in stale.reason


def with_records(subject: Subject, *more: tuple[str, Any]) -> Subject:
    """With more sealed records of these kinds."""
    lines, records = list(subject.chain.lines), dict(subject.chain.records)
    for kind, one in more:
        records[digest(one)] = one
        lines.append(Line(len(lines) + 1, 0, kind, "", digest(one), FIRST))
    return replace(subject, chain=Chain(lines, records))


def test_each_reading_of_this_test_split_counts_and_of_no_other(stock):
    again = changed(stock.record("evaluate"), "run", value="again")
    other = changed(again, "inputs", "data/examples/test.parquet", "sha256", value="0" * 64)
    read = replace(stock, subject=with_records(stock.subject, ("stage", again), ("stage", other)))
    assert "2 so far sealed" in item(read, 16).reason


def test_a_certificate_of_other_entries_is_none_of_this_lock(subject):
    own = {**CERTIFICATE, "entries": {stage: entry_sha256(entry) for stage, entry in subject.lock.items()}}
    half = {key: value for key, value in own.items() if key != "tier"}
    certified = with_records(subject, *(("certificate", one) for one in (CERTIFICATE, own, half)))
    assert [found for _, found in gather(certified, [], []).certificates] == [own]


def test_what_cannot_be_read_is_missing_and_never_passes(good):
    gone = Unknown("it is not here")
    blind = replace(
        good, summary=gone, windows=gone, metrics=gone, bins=gone, report=gone, census=gone, leaks=gone,
        rows={}, locks={}, repository=None, trail=None, certificates=[], declarations={}, acceptance=None,
        signatures=[], subject=replace(good.subject, records={}, chain=Chain([], {})), record_sums={},
        sealed=replace(good.sealed, sums={}), params={}, sums={},
    )  # fmt: skip
    assert {one.ask.number for one in judge(blind).items if one.verdict == "PASS"} == set()
    assert "No evaluation is in dvc.lock." in render(blind, judge(blind), places={})


def test_after_the_first_stages_alone_the_rest_is_missing(subject):
    records = {stage: subject.records[stage] for stage in ("ingest", "preprocess")}
    begun = gather(replace(subject, records=records), [], [])
    verdicts = {one.ask.number: one.verdict for one in judge(begun).items}
    assert (verdicts[3], verdicts[13]) == ("PASS", "PASS")
    assert {verdicts[number] for number in (2, 5, 7, 8, 14, 16, 26, 27, 28, 29, 33, 40)} == {"MISSING"}
    assert render(begun, judge(begun), places={})


def test_a_declaration_that_was_never_made_is_in_no_output(stock):
    assert all(one.declared is None for one in judge(stock).items)


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_lock_file_of_packages_that_is_no_text_locks_nothing(tmp_path):
    (tmp_path / "requirements.lock").write_bytes(b"\xff\xfe")
    assert read_locks(tmp_path) == {"requirements.lock": {}}


def test_the_examples_in_docs_are_read(tmp_path):
    for name in ("declarations", "acceptance"):
        written(tmp_path, f"{name}.yaml", (ROOT / f"docs/{name}.example.yaml").read_text(encoding="utf-8"))
    declared, accepted = read_declarations(tmp_path), read_acceptance(tmp_path)
    assert tuple(declared) == KEYS
    assert declared["intended_use"].date == date(2026, 1, 15)
    assert str(accepted.metrics["strict.f1"]) == "at least 0.8"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("declarations", "intended_use: yes", "declarations.yaml:1: intended_use: found 'yes' (text)"),
        ("declarations", "intent: {statement: a, by: b, date: 2026-01-01}", "declarations.yaml:1: "),
        ("declarations", "risk_file:\n  statement: ''\n  by: b\n  date: 2026-01-01", "declarations.yaml:2: "),
        ("declarations", "intended_use:\n  by: b\n  date: 2026-01-01", "statement: missing"),
        ("declarations", "intended_use:\n  statement: a\n  by: b\n  date: soon", "declarations.yaml:4: "),
        ("declarations", "intended_use:\n  statement: a\n  by: b\n  date: 9999-01-01", "has not come yet"),
        ("acceptance", "metrics:\n  f1: {at_least: -.inf}", "acceptance.yaml:2: "),
        ("declarations", "a: [", "declarations.yaml:"),
        ("acceptance", "metrics: {}", "acceptance.yaml:1: metrics"),
        ("acceptance", "metrics: {strict.f1: {}}", "a bound needs at_least"),
        ("acceptance", "metrics: {strict.f1: {atleast: 1}}", "did you mean at_least?"),
        ("acceptance", "metrics: {strict.f1: {at_least: high}}", "found 'high' (text)"),
    ],
    ids=lambda value: re.sub(r"\W+", " ", value)[:40],
)  # fmt: skip
def test_a_file_in_another_form_is_one_line_with_its_place(tmp_path, name, text, expected):
    read = {"declarations": read_declarations, "acceptance": read_acceptance}[name]
    with pytest.raises(UserError) as error:
        read(written(tmp_path, f"{name}.yaml", text))
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1


class Page(HTMLParser):
    """Words, links and ids of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words, self.links, self.ids, self.tags = "", set[str](), set[str](), set[str]()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links |= {value for name, value in attrs if name == "href"}
        self.ids |= {value for name, value in attrs if name == "id"}

    def handle_data(self, data):
        self.words += data


@pytest.fixture(scope="module")
def pack(subject: Subject) -> dict[str, bytes]:
    return parts(subject, [])


def test_the_same_subject_gives_the_same_bytes(subject, pack):
    assert parts(subject, []) == pack


def test_the_report_says_all_that_the_json_says(pack):
    page = Page(pack["report.html"].decode())
    for one in json.loads(pack["checklist.json"])["items"]:
        assert one["title"] in page.words
        assert one["reason"][1:] in page.words
        for evidence in one["evidence"]:
            assert evidence["value"] in page.words
            assert evidence["what"] in page.words


def test_each_number_leads_to_its_hash_in_the_report(pack):
    page = Page(pack["report.html"].decode())
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} <= page.ids
    for one in json.loads(pack["checklist.json"])["items"]:
        for evidence in one["evidence"]:
            assert not evidence["sha256"] or evidence["sha256"] in page.words


def test_a_file_that_is_in_the_pack_is_linked(subject, stock):
    sums = {stock.sealed.sums["data/evaluation/metrics.json"]: "files/metrics.json"}
    page = Page(parts(subject, [], places=sums)["report.html"].decode())
    assert "files/metrics.json" in page.links


def test_the_report_has_no_script_and_no_network_and_is_small(pack):
    page = Page(pack["report.html"].decode())
    assert not page.tags & {"script", "img", "iframe", "object", "link", "form", "input"}
    assert not [link for link in page.links if not link.startswith("#")]
    assert len(pack["report.html"]) < 2_000_000


def test_no_text_and_no_id_of_a_record_is_in_what_the_pack_gets(finished, pack):
    wanted = planted(finished)
    for content in pack.values():
        text = content.decode()
        assert not [word for kind in wanted.values() for word in kind if word in text]


def test_a_file_of_the_corpus_is_not_named_in_the_report(stock):
    facts = found("output", "data/raw/files/Jane Doe.txt")(stock)
    page = render(facts, judge(facts), places={})
    assert "Jane Doe" not in page
    assert "Not everything is as it was sealed: 1<" in page


def test_the_report_never_says_that_anything_is_compliant(pack):
    for content in pack.values():
        assert b"complian" not in content.lower()


def test_the_report_of_a_full_record_has_scores_replay_signatures_and_statements(good):
    words = " ".join(Page(render(good, judge(good), places={})).words.split())
    assert "bit-exact" in words
    assert "34 of 34" in words
    assert "reviewed and approved" in words
    assert "about intended_use" in words


def colours(css: str) -> Iterator[dict[str, str]]:
    """The variables of each block that sets them."""
    for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL):
        yield {name: code if len(code) == 7 else f"#{code[1] * 2}{code[2] * 2}{code[3] * 2}"
               for name, code in re.findall(r"--(\w+): (#\w+)", block)}  # fmt: skip


def luminance(code: str) -> float:
    """As WCAG 2.2 defines it."""
    parts = [int(code[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_colour_of_text_can_be_read_on_page_and_card():
    css = (ROOT / "src/clintune/evidence/checklist/report/checklist.css").read_text(encoding="utf-8")
    blocks = list(colours(css))
    assert len(blocks) == 3
    for block in blocks:
        for name in ("ink", "quiet", "accent", "pass", "fail", "declared", "missing", "na"):
            for ground in ("page", "card"):
                light, dark = sorted((luminance(block[name]), luminance(block[ground])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, ground, block)


def test_clintune_checklist_groups_by_topic_and_ends_with_the_counts(scene):
    root = scene.project.root
    file = root / "data/evaluation/metrics.json"
    file.write_text(file.read_text().replace('"f1": 0.', '"f1": 1.', 1))
    done = scene.project.run("clintune", "checklist", ok=False)
    lines = done.stdout.splitlines()
    assert done.returncode == 1, done.stderr
    assert [line for line in lines if not line.startswith(" ")][:-1] == list(
        dict.fromkeys(a.topic for a in ASKS)
    )
    assert re.fullmatch(r"43 items: \d+ PASS, [1-9]\d* FAIL, .* with machine evidence\.", lines[-1])
    assert any(line.startswith("  FAIL      39  ") for line in lines)
    assert any(line.startswith("  MISSING   29  ") and "not as it was sealed" in line for line in lines)
