"""Items 26 to 28 and 30: run again, chosen without the test split, bounds stated before, several seeds."""

from collections import Counter
from collections.abc import Iterator
from statistics import mean, stdev

from clintune.evidence.checklist.ancestry import Ancestry, params_of
from clintune.evidence.checklist.facts import METRICS, Facts, known
from clintune.evidence.checklist.items import Evidence, Ruling, Unknown, number, ruling
from clintune.evidence.declared import ACCEPTANCE
from clintune.params import leaves
from clintune.sealing.record import KIND

FEWEST_SEEDS = 5
_LEARN = ("pretrain", "train")
_WITH_TEST = ("data/evaluation/", "data/raw/")
"""What is made of the test split, or holds it still; names of files in data/raw may be those of people."""


def rerun(facts: Facts) -> Ruling:
    """The newest certificate of a replay of this dvc.lock."""
    if not facts.certificates:
        raise Unknown("no replay of this dvc.lock was sealed: clintune replay makes one")
    name, newest = facts.certificates[-1]
    outputs = newest["outputs"]
    says = {
        "tier": newest["tier"],
        "output files with the same SHA-256": f"{outputs['same']} of {outputs['all']}",
        "parts of the numeric class that differ": len(newest["numeric_class"]),
        "packages that differ": len(newest["environment"]),
        "without a network": str(newest["offline"]).lower(),
    }
    evidence = [
        Evidence(f"replay: {what}", str(value), facts.place(name), name) for what, value in says.items()
    ]
    tiers = Counter(record["tier"] for _, record in facts.certificates)
    evidence += [
        Evidence(f"replays: {tier}", str(count), facts.place(name), name)
        for tier, count in sorted(tiers.items())
    ]
    wrong = ["the last replay diverged"] if newest["tier"] == "diverged" else []
    wrong += [f"{len(newest['claimed'])} claims did not come out"] if newest["claimed"] else []
    return ruling(wrong, f"the last of {len(facts.certificates)} replays was {newest['tier']}", evidence)


def selection(facts: Facts) -> Ruling:
    """What learns or chooses lists no file of test, and no window of it is among the others."""
    evidence, wrong = [], []
    for stage in _LEARN:
        if stage in facts.subject.records:
            read = [path for path in facts.record(stage)["inputs"] if path.endswith("test.parquet")]
            read += [path for path in facts.record(stage)["inputs"] if path.startswith(_WITH_TEST)]
            evidence.append(facts.recorded(f"{stage}: files of test among its inputs", len(read), stage))
            shown = ["data/raw" if path.startswith("data/raw/") else path for path in read]
            wrong += [f"{stage} reads {shown[0]}"] if read else []
    facts.record("train")
    foreign = known(facts.census).foreign
    evidence.append(
        facts.recorded("windows of train and validation that are of another split", foreign, "tokenize")
    )
    wrong += [f"{foreign} windows of train or validation are of another split"] if foreign else []
    return ruling(
        wrong, "neither training nor the choice of weights has a file of test, or a window of it", evidence
    )


def prespecified(facts: Facts) -> Ruling:
    """In the commit of the first evaluation on this test split, and met."""
    if facts.acceptance is None:
        raise Unknown(f"there is no {ACCEPTANCE}: no bounds were stated")
    scores = dict(leaves(known(facts.metrics)))
    evidence, wrong = [facts.beside("bounds stated", len(facts.acceptance.metrics), ACCEPTANCE)], []
    for name, bound in facts.acceptance.metrics.items():
        if not isinstance(scores.get(name), int | float):
            wrong.append(f"metrics.json has no {name} that is a number")
            continue
        evidence.append(facts.sealed.says(f"{name}, to be {bound}", number(scores[name]), METRICS))
        wrong += [] if bound.holds(scores[name]) else [f"{name} is {number(scores[name])}, not {bound}"]
    first = facts.reads[0]["code"]
    if facts.repository is None or first is None:
        if not wrong:
            raise Unknown("without git nothing shows that the bounds came before the first reading of test")
    elif first["dirty"] or _bounds(facts, first["commit"]) != facts.sums[ACCEPTANCE]:
        wrong.append(f"the commit of the first of {len(facts.reads)} readings of test has not these bounds")
    return ruling(
        wrong,
        "the bounds are in the commit at which test was first read, and the scores within them",
        evidence,
    )


def _bounds(facts: Facts, commit: str) -> str | None:
    """The SHA-256 of the bounds in a commit."""
    known = {} if facts.repository is None else facts.repository.files
    return known.get(commit, {}).get(ACCEPTANCE)


def seeds(facts: Facts) -> Ruling:
    """Evaluations of models that differ in nothing but the seed: mean, standard deviation and range."""
    found = dict(_by_seed(facts))
    evidence = [
        Evidence(f"seed {seed}: {name}", number(value), facts.place(place), place)
        for seed, (name, value, place) in sorted(found.items())
    ]
    values = [value for _, value, _ in found.values()]
    if len(found) < FEWEST_SEEDS:
        reason = f"{len(found)} of {FEWEST_SEEDS} seeds are in the ledger"
        return Ruling("MISSING", reason, tuple(evidence))
    centre, spread = number(mean(values)), number(stdev(values))
    held = f"{len(found)} seeds: mean {centre}, standard deviation {spread}, "
    held += f"{number(min(values))} to {number(max(values))}; a seed also splits and writes the notes"
    return ruling([], held, evidence)


def _by_seed(facts: Facts) -> Iterator[tuple[int, tuple[str, float, str]]]:
    """By seed the headline of the last evaluation, and the record that says so.

    The seed may decide what a stage wrote, but nothing else may: neither a param of an earlier stage nor
    another corpus.
    """
    sealed = list(facts.subject.chain.sealed(KIND))
    ancestry, own = Ancestry.of([record for _, record in sealed]), facts.subject.records
    facts.record("train")
    decides = {stage: ancestry.decides(record) for stage, record in own.items()}
    for place, (line, record) in enumerate(sealed):
        if record["stage"] != "evaluate" or not record["reported"]["headline"]:
            continue
        runs = ancestry.line(place)
        alike = all(decides.get(stage) == ancestry.decides(one) for stage, one in runs.items())
        if alike and "train" in runs:
            name, value = next(iter(record["reported"]["headline"].items()))
            yield params_of(runs["train"])["seed"], (name, value, line.record)
