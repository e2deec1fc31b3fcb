"""Items 2 to 9: which code, data, model, params and packages, on which machine, and what changed."""

import re
from collections.abc import Iterator
from typing import Any

from clintune.evidence.checklist.facts import Facts
from clintune.evidence.checklist.items import Ruling, Unknown, ruling
from clintune.evidence.checklist.packages import LOCKS, plain, unlike
from clintune.evidence.subject import Record
from clintune.lockfile import is_code
from clintune.params import leaves
from clintune.sealing.record import KIND

_NAMED = 5
_CLASS = ("numerics.cpu", "numerics.cpu_flags_sha256")
_TORCH = (
    "numerics.device",
    "numerics.isa",
    "numerics.precision",
    "numerics.threads",
    "numerics.torch_build_sha256",
)


def code(facts: Facts) -> Ruling:
    """A commit that is here, and nothing that it does not hold."""
    evidence, wrong = [], []
    facts.record("train")
    for stage, record in facts.subject.records.items():
        found = record["code"]
        if found is None:
            raise Unknown(f"{stage} ran outside git: no commit names its code")
        evidence.append(facts.recorded(f"{stage}: commit", found["commit"], stage))
        evidence.append(facts.recorded(f"{stage}: tree", found["tree"], stage))
        if found["dirty"]:
            wrong.append(f"{stage} ran with changes, or beside code, that no commit has")
        if facts.repository is not None and found["commit"] not in facts.repository.files:
            wrong.append(f"the commit of {stage} is not in this repository")
        elif other := _unlike_commit(facts, record):
            wrong.append(f"{stage} ran {len(other)} files that are others in its commit ({other[0]})")
    if facts.repository is None:
        raise Unknown("no git repository is here to look for the commits in")
    if facts.repository.unknown:
        unknown = facts.repository.unknown
        wrong.append(f"code that can be imported is not in git, as {unknown[0]} (of {len(unknown)})")
    wrong += [f"git holds objects under the names of others ({one})" for one in facts.repository.forged[:1]]
    return ruling(wrong, "every stage ran at a commit that is here, with nothing changed since it", evidence)


def _unlike_commit(facts: Facts, record: Record) -> list[str]:
    """Code that a stage sealed, and that its commit holds otherwise or not at all.

    Git can be told to overlook what changed: `update-index --assume-unchanged`, a filter, `info/exclude`.
    """
    code = facts.repository.code.get(record["code"]["commit"], {}) if facts.repository is not None else None
    read = {path: one["sha256"] for path, one in record["inputs"].items() if is_code(path)}
    return [] if code is None else sorted(path for path, one in read.items() if code.get(path) != one)


def data(facts: Facts) -> Ruling:
    """SHA-256 of every file, rows of every table, and nothing of it changed since."""
    files = {
        path: record[side][path]
        for record in facts.subject.records.values() for side in ("inputs", "outputs")
        for path in record[side] if path.startswith("data/")
    }  # fmt: skip
    facts.record("preprocess")
    raw = [path for path in files if path.startswith("data/raw/files/")]
    evidence = [
        facts.sealed.says("files of the corpus, each with its SHA-256", len(raw), "data/raw/manifest.json")
    ]
    evidence += [
        facts.sealed.says("rows", rows, path) for path, rows in facts.rows.items() if "/examples/" in path
    ]
    places = [one.place for one in facts.findings if one.place.startswith("data/")]
    changed = sum(place.startswith("data/raw/files/") for place in places)
    wrong = [f"{one} is not as it was sealed" for one in places if not one.startswith("data/raw/files/")]
    wrong += [f"{changed} files of the corpus are not as they were sealed"] if changed else []
    return ruling(wrong, f"{len(files)} files of data, each as it was sealed", evidence)


def base_model(facts: Facts) -> Ruling:
    """Every encoder pinned by hash, or made here."""
    model = facts.section("model")
    evidence, wrong = [], []
    for number, encoder in enumerate([model, *model["companions"]]):
        name = "base model" if not number else f"companion {number}"
        evidence.append(facts.recorded(f"{name}: source", f"{encoder['source']} {encoder['name']}", "train"))
        if encoder["source"] == "pretrained":
            continue
        for part in ("weights", "config", "tokenizer"):
            if encoder[f"{part}_sha256"]:
                evidence.append(
                    facts.recorded(f"{name}: SHA-256 of {part}", encoder[f"{part}_sha256"], "train")
                )
            elif part != "weights" or encoder["scratch"] is None:
                wrong.append(f"the {part} of the {name} are pinned by no SHA-256")
        if encoder["source"] == "hub" and not re.fullmatch("[0-9a-f]{40}", encoder["revision"] or ""):
            wrong.append(f"the {name} is pinned to no revision")
    return ruling(wrong, "every file of the base model is pinned by its SHA-256", evidence)


def params(facts: Facts) -> Ruling:
    """Every leaf of params, as the stage that read it sealed it, said and still there."""
    evidence, wrong, count = [], [], 0
    facts.record("train")
    for stage, record in facts.subject.records.items():
        read = dict(_leaves(record))
        said = record["reported"]["params"].keys()
        lost = sorted(read.keys() - said)
        wrong += [f"{stage} read {lost[0]} and did not record it"] if lost else []
        count += len(read)
        evidence.append(facts.recorded(f"{stage}: params read, and recorded", len(read), stage))
    changed = [one.field for one in facts.findings if one.kind == "param"]
    wrong += [f"params.yaml has another {changed[0] or 'content'} than the stages read"] if changed else []
    evidence.append(
        facts.beside("SHA-256 of params.yaml", facts.sums.get("params.yaml", "not here"), "params.yaml")
    )
    held = f"{count} params over all stages; the code holds no others. Variables of the environment: item 8"
    return ruling(wrong, held, evidence)


def _leaves(record: Any) -> Iterator[tuple[str, Any]]:
    for values in record["lock"].get("params", {}).values():
        yield from leaves(values)


def software(facts: Facts) -> Ruling:
    """What was installed is listed by hash. Known weaknesses are not looked up: that needs a network."""
    record = facts.record("train")["environment"]
    installed = record["distributions"]
    nameless = sorted(name for name, one in installed.items() if not one["record_sha256"])
    evidence = [
        facts.recorded("distributions, each with the SHA-256 of its list of files", len(installed), "train"),
        facts.recorded("Python", record["python"], "train"),
    ]
    wrong = (
        [f"{len(nameless)} distributions came without a list of their files ({nameless[0]})"]
        if nameless
        else []
    )
    return ruling(
        wrong, f"{len(installed)} distributions are listed; no known weakness was looked up", evidence
    )


def locked(facts: Facts) -> Ruling:
    """Every entry of the lock has hashes, and its version is what was installed."""
    if LOCKS[0] not in facts.locks:
        raise Unknown(f"there is no {LOCKS[0]} here")
    lock = facts.locks[LOCKS[0]]
    bare = sorted(name for name, one in lock.items() if not one.hashes)
    wrong = [f"{len(bare)} packages are locked without a hash ({bare[0]})"] if bare else []
    evidence = [facts.beside("packages locked by hash", len(lock) - len(bare), LOCKS[0])]
    wrong += [f"{LOCKS[0]} locks nothing"] if not lock else []
    for stage, record in facts.subject.records.items():
        other = unlike(facts.locks, record["environment"]["distributions"])
        wrong += [f"{stage} ran with {'; '.join(other[:_NAMED])}"] if other else []
        evidence.append(facts.recorded(f"{stage}: installed otherwise than locked", len(other), stage))
    distributions = {
        plain(name): one for name, one in facts.record("train")["environment"]["distributions"].items()
    }
    if "torch" in distributions:
        torch = distributions["torch"]
        evidence.append(
            facts.recorded("torch, by version alone in pyproject.toml", torch["version"], "train")
        )
        evidence.append(facts.recorded("SHA-256 of torch's list of files", torch["record_sha256"], "train"))
    held = (
        "each package is locked by hash, and was installed in the version that is locked, torch aside, which "
        "no lock can name for every machine; what was installed is sealed by its list of files"
    )
    return ruling(wrong, held, evidence)


def numerics(facts: Facts) -> Ruling:
    """The numeric class of what computes, and that it is the one that params ask for."""
    evidence, wrong = [], []
    for stage in ("train", "evaluate"):
        found = facts.record(stage)["numeric_class"]
        gone = [name for name in (*_CLASS, *_TORCH) if not found.get(name)]
        if gone:
            raise Unknown(f"{stage} recorded no {gone[0]}")
        evidence += [
            facts.recorded(f"{stage}: {name}", value, stage) for name, value in sorted(found.items())
        ]
        for name in ("threads", "profile"):
            asked = str(facts.section("numerics")[name])
            if found.get(f"numerics.{name}") != asked:
                wrong.append(f"{stage} ran with another numerics.{name} than the {asked} of params")
    held = "processor, its flags, threads and code paths are recorded; kernel, locale and time zone are not"
    return ruling(wrong, held, evidence)


def changes(facts: Facts) -> Ruling:
    """Who ran what, how often. Whether a change was planned, a person says."""
    evidence, wrong = [], []
    facts.record("train")
    sealed = [record for _, record in facts.subject.chain.sealed(KIND)]
    for stage, record in facts.subject.records.items():
        runs = [one for one in sealed if one["stage"] == stage]
        evidence.append(
            facts.recorded(f"{stage}: sealed runs; the last by", f"{len(runs)}; {record['by']}", stage)
        )
        wrong += [f"nobody is named for {stage}"] if not record["by"] else []
    held = (
        f"{len(sealed)} runs of stages are in the ledger, each with who ran it; what was planned is not known"
    )
    return ruling(wrong, held, evidence)
