"""Items 38 to 43: whether the records can be relied on, read, and are signed."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import PurePosixPath
from typing import Any

from clintune.evidence.checklist.facts import METRICS, Facts, known
from clintune.evidence.checklist.items import Evidence, Ruling, Unknown, ruling
from clintune.evidence.checklist.rules.scores import score_at
from clintune.evidence.verification.verifier import DASHED

_REPORT = "data/evaluation/report.html"
_OPEN = frozenset({".json", ".jsonl", ".csv", ".parquet", ".safetensors", ".onnx", ".html", ".md", ".txt"})
_RECORDED = ("ledger", "record", "run")
_PRINTED = frozenset({
    "f1", "precision", "recall", "accuracy", "macro_f1", "micro_f1", "exact", "mcc", "auroc", "auprc",
    "rmse", "mae", "r2", "spearman",
})  # fmt: skip
_MOST_LABELS = 200
"""The page has room for so many."""


def trail(facts: Facts) -> Ruling:
    """The store keeps what was changed or deleted, all the time; nothing sealed of a run was."""
    if facts.trail is None:
        raise Unknown("the store is a server: whether its database keeps old values is not seen here")
    gaps = [one for one in facts.findings if one.kind == "trail"]
    wrong = [f"{gap.field} of the trail is {gap.found}" for gap in gaps]
    changed = [one for one in facts.findings if one.kind in _RECORDED]
    wrong += [f"{len(changed)} records were changed"] if changed else []
    head = facts.subject.chain.lines[-1] if facts.subject.chain.lines else None
    if head is None:
        raise Unknown("nothing was sealed here")
    evidence = [
        Evidence(
            "lines of the ledger, each chained to the one before", str(head.number), "ledger.jsonl", head.hash
        ),
        Evidence("changes that the store's trail holds", str(facts.trail.changes), facts.trail.store, ""),
        Evidence("gaps in the trail", str(len(gaps)), facts.trail.store, ""),
    ]
    return ruling(wrong, "ledger and store keep old values, with the time of each change", evidence)


def integrity(facts: Facts) -> Ruling:
    """Everything hashed again, and no difference found."""
    if not facts.subject.chain.lines:
        raise Unknown("nothing was sealed here")
    head = facts.subject.chain.lines[-1]
    kinds = Counter(one.kind for one in facts.findings)
    evidence = [
        Evidence("differences from what was sealed", str(len(facts.findings)), "ledger.jsonl", head.hash),
        Evidence(
            "stages of dvc.lock, each with the record that made it",
            str(len(facts.subject.records)),
            "ledger.jsonl",
            head.hash,
        ),
    ]
    evidence += [
        Evidence(f"differences: {kind}", str(count), "ledger.jsonl", head.hash)
        for kind, count in sorted(kinds.items())
    ]
    wrong = [f"{len(facts.findings)} differences: clintune verify names them"] if facts.findings else []
    if facts.waiting and not wrong:
        raise Unknown(f"{facts.waiting} runs wait to be sent and were not compared: clintune send")
    return ruling(wrong, "everything was hashed again, and is as it was sealed", evidence)


def copies(facts: Facts) -> Ruling:
    """Every score of metrics.json stands in the report, rounded as it rounds; the run reported no other."""
    page = unescape(re.sub(r"<[^>]*>", " ", known(facts.report)))
    printed = set(re.findall(r"-?\d+\.\d{3}(?!\d)", page))
    wanted = dict(_scores(known(facts.metrics)))
    absent = sorted(name for name, value in wanted.items() if not _roundings(value) & printed)
    evidence = [
        facts.sealed.says("scores for programs", len(wanted), METRICS),
        facts.sealed.says("of these for people, the same number", len(wanted) - len(absent), _REPORT),
    ]
    if not wanted:
        raise Unknown("metrics.json holds no score to compare")
    wrong = [f"{len(absent)} scores are not in report.html ({absent[0]})"] if absent else []
    said = facts.record("evaluate")["reported"]["headline"]
    other = sorted(name for name, value in said.items() if score_at(known(facts.metrics), name) != value)
    evidence.append(facts.recorded("scores that the run reported", len(said), "evaluate"))
    wrong += [f"{len(other)} scores of the run are not those of metrics.json ({other[0]})"] if other else []
    return ruling(wrong, f"{len(wanted)} scores of metrics.json stand in report.html", evidence)


def _scores(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The scores of the whole and of each label; the page has no room for all subgroups and baselines."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            if name not in {"subgroup", "baseline", "ceiling"} and len(value) <= _MOST_LABELS:
                yield from _scores(value, f"{prefix}{name}.")
        elif name in _PRINTED and not _nothing_to_divide_by(name, tree):
            yield f"{prefix}{name}", value


def _nothing_to_divide_by(name: str, tree: Mapping[str, Any]) -> bool:
    """Where the page has a dash and metrics.json a 0."""
    if "predicted" not in tree:
        return False
    divisors = {
        "precision": tree["predicted"],
        "recall": tree["gold"],
        "f1": tree["predicted"] + tree["gold"],
    }
    return name in divisors and not divisors[name]


def _roundings(value: float) -> set[str]:
    """As the page may round it: metrics.json has it rounded already, to six decimals."""
    return {f"{value + less:.3f}" for less in (-5e-7, 5e-7)}


def signed(facts: Facts) -> Ruling:
    """Two who are not the author, or the author and one who is not."""
    if not facts.signatures:
        raise Unknown("nobody has signed: clintune sign, once the pack is made")
    authors = {record["by"].casefold() for record in facts.subject.records.values()}
    evidence = [
        Evidence(f"signed as {one.role}", f"{one.by}, {one.on}: {one.meaning}", "signatures", "")
        for one in facts.signatures
    ]
    wrong = [f"the signature of {one.by} does not hold" for one in facts.signatures if not one.holds]
    wrong += [
        f"{one.by} approves their own work"
        for one in facts.signatures
        if "approver" in DASHED.split(one.role.casefold()) and one.by.casefold() in authors
    ]
    people = {one.by.casefold() for one in facts.signatures}
    wrong += [f"{len(people)} of 2 people have signed"] if len(people) < 2 else []
    return ruling(wrong, f"{len(people)} people have signed, each for what they mean", evidence)


def formats(facts: Facts) -> Ruling:
    """What stages wrote can be read without the program that wrote it; nothing in it is code to be run."""
    outputs = {
        path: stage for stage, record in facts.subject.records.items() for path in record["outputs"]
        if not path.startswith("data/raw/files/")
    }  # fmt: skip
    kinds = Counter(PurePosixPath(path).suffix for path in outputs)
    closed = sorted(path for path in outputs if PurePosixPath(path).suffix not in _OPEN)
    evidence = [
        facts.recorded(
            f"files {kind or 'without a suffix'}",
            count,
            next(s for p, s in outputs.items() if PurePosixPath(p).suffix == kind),
        )
        for kind, count in sorted(kinds.items())
    ]
    wrong = [f"{len(closed)} files are in no open format ({closed[0]})"] if closed else []
    if not outputs:
        raise Unknown("no stage wrote anything")
    return ruling(
        wrong,
        f"all {len(outputs)} files that stages wrote are in open formats; how long they are kept is unknown",
        evidence,
    )


def validated(facts: Facts) -> Ruling:
    """A test of the tool itself would be sealed like a certificate."""
    raise Unknown(f"no test of the tool itself is among the {len(facts.subject.chain.lines)} sealed records")
