"""pccp.yaml: what it allows, what it does not, what is wrong with it in one line."""

import json
from pathlib import Path

import pytest

from clintune.errors import UserError
from clintune.evidence.changes import scores
from clintune.evidence.changes.differing import Change
from clintune.evidence.changes.judging import judge, overall
from clintune.evidence.changes.plan import Allowed, parse_plan
from clintune.evidence.changes.scores import Score
from clintune.params import Params, leaves

EXAMPLE = Path(__file__).parents[2] / "docs/pccp.example.yaml"


@pytest.fixture(scope="module")
def plan():
    return parse_plan(EXAMPLE.read_bytes(), place="pccp.yaml")


def param(key, was, now):
    return Change("params", key, json.dumps(was), json.dumps(now), ("train",))


def score(name, was, now):
    return Score(name, headline=True, was=was, now=now, was_within=None, now_within=None)


GOOD = [score("strict/f1", 0.9, 0.9), score("label/Drug/recall", 0.8, 0.9)]

CASES = [
    (param("train.epochs", 5, 12), "inside"),
    (param("train.epochs", 5, 13), "outside"),
    (param("seed", 17, True), "outside"),
    (param("train.schedule", "linear", "cosine"), "inside"),
    (param("train.schedule", "linear", "constant"), "outside"),
    (param("train.batch_tokens", 512, 513), "not covered"),
    (param("test.epochs", 5, 12), "not covered"),
    (Change("code", "src/clintune/evaluation/wording.py", "a", "b"), "inside"),
    (Change("code", "src/clintune/exporting/card.py", "a", "b"), "inside"),
    (Change("code", "src/clintune/training/loop.py", "a", "b"), "not covered"),
    (Change("code", "dvc.yaml: train: cmd", "a", "b"), "not covered"),
    (Change("data", "files added", "", "500"), "inside"),
    (Change("data", "files added", "", "501"), "outside"),
    (Change("data", "files removed", "", "1"), "outside"),
    (Change("data", "files", "a", "b"), "not covered"),
    (Change("data", "split train", "a", "b"), "inside"),
    (Change("data", "split test", "a", "b"), "not covered"),
    (Change("environment", "numpy", "2.3.1 (a)", "2.4.0 (b)"), "inside"),
    (Change("environment", "numpy", "2.3.1 (a)", "3.0.0 (b)"), "outside"),
    (Change("environment", "numpy", "2.3.1 (a)", "2.3.1 (b)"), "not covered"),
    (Change("environment", "torch", "2.13.0 (a)", "2.14.0 (b)"), "not covered"),
    (Change("environment", "numeric class: numerics.cpu", "a", "b"), "inside"),
    (Change("environment", "numeric class: OMP_NUM_THREADS", "1", "2"), "not covered"),
]


@pytest.mark.parametrize(("change", "verdict"), CASES, ids=[
    f"{one.section} {one.place} {one.was}-{one.now}" for one, _ in CASES
])  # fmt: skip
def test_a_change_is_inside_outside_or_not_covered(plan, change, verdict):
    [said, *_] = judge(plan, [change], GOOD)
    assert (said.place, said.verdict) == (change.place, verdict)
    assert overall(judge(plan, [change], GOOD)) == verdict
    assert overall(judge(None, [change], GOOD)) == "not covered"


def test_true_is_not_one_of_the_numbers():
    one = Allowed(choices=(1, "one"))
    assert [one.has(value) for value in (1, 1.0, "one", True, None)] == [True, True, True, False, False]


@pytest.mark.parametrize(("now", "verdict", "because"), [
    (0.9, "inside", "0.9 keeps to its bounds"), (0.89, "inside", "0.89 keeps to its bounds"),
    (0.88, "outside", "it fell by 0.02, at most 0.01"),
    (0.79, "outside", "0.79 is below the minimum 0.8; it fell by 0.11, at most 0.01"),
    (None, "outside", "it is not there any more"),
])  # fmt: skip
def test_a_score_keeps_to_its_bounds_or_does_not(plan, now, verdict, because):
    [said, _] = judge(plan, [], [score("strict/f1", 0.9, now), GOOD[1]])
    assert (said.verdict, said.because) == (verdict, because)


def test_a_bound_for_a_score_that_there_is_not_is_outside(plan):
    assert [one.place for one in judge(plan, [], GOOD[:1]) if one.verdict == "outside"] == ["label/*/recall"]


def test_counts_of_records_are_judged_by_the_share_that_is_quarantined(plan):
    counts = [Change("data", "records.in", "1000", "2000"), Change("data", "train.examples", "700", "1400")]
    assert judge(plan, counts, GOOD) == judge(plan, [], GOOD)
    [said, *_] = judge(plan, [*counts, Change("data", "records.quarantined", "3", "30")], GOOD)
    assert (said.verdict, said.because) == ("outside", "0.0150 of the records, at most 0.01")


def test_the_example_names_params_that_there_are(plan, shipped: Params):
    assert plan.params.keys() <= {key for key, _ in leaves(shipped.model_dump())}


@pytest.mark.parametrize(("text", "said"), [
    ("versoin: 1", "pccp.yaml:1: versoin: unknown key; did you mean version?"),
    ("code: []", "pccp.yaml:1: version: missing; add the key; the code holds no defaults"),
    ("version: 1\nparams:\n  seed: {minimum: 3, maximum: 2}",
     "pccp.yaml:3: params.seed: minimum is above maximum; change these keys together"),
    ("version: 1\nparams:\n  seed: {}", "give either choices, or minimum and maximum, or one of these"),
    ("version: 1\nscores:\n  strict/f1: {maximum_drop: -1}", "pccp.yaml:3: scores.strict/f1.maximum_drop:"),
    ("version: [1", "pccp.yaml:"),
])  # fmt: skip
def test_a_fault_is_one_line_with_its_place(text, said):
    with pytest.raises(UserError) as caught:
        parse_plan(text.encode(), place="pccp.yaml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b'{"strict": {"f1": NaN}}', b'{"f1": -Infinity}', b"[0.9]", b"no JSON", b"[" * 100_000, None],
    ids=["NaN", "infinity", "list", "text", "deep", "none"],
)
def test_what_is_no_number_keeps_to_no_bound_and_stops_nobody(content):
    """Of a state of which no record is here the scores are those of metrics.json, as it was cached."""
    assert scores._written(content) == {}
    assert scores._written(b'{"strict": {"f1": 0.9}, "task": "entities"}') == {"strict/f1": 0.9}
