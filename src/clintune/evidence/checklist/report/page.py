"""The evidence as one HTML page: no script, no network, no date; the same facts give the same bytes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from clintune.evidence.checklist.facts import METRICS, Facts
from clintune.evidence.checklist.items import Checklist, Evidence
from clintune.evidence.checklist.report.limits import CANNOT, DETECTS
from clintune.evidence.declared import ACCEPTANCE, DECLARATIONS
from clintune.evidence.subject import Record

MOST_FINDINGS = 50
_CORPUS = "data/raw/files/"
_DATA = ("data/raw/manifest.json", "data/examples/train.parquet", "data/examples/validation.parquet",
         "data/examples/test.parquet", "data/checkpoint/model.safetensors",
         "data/evaluation/predictions.parquet", METRICS, "data/bundle/bundle.json")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Score:
    """A number of the headline with its interval, where it has one."""

    name: str
    value: Evidence
    reach: tuple[Evidence, Evidence] | None


@dataclass(frozen=True, slots=True)
class Made:
    """A stage: which commit made it, from how many files how many others."""

    stage: str
    commit: str
    clean: bool
    read: int
    wrote: int
    record: Evidence


@dataclass(frozen=True, slots=True)
class Replay:
    """A certificate."""

    record: Record
    evidence: Evidence


def render(facts: Facts, checklist: Checklist, *, places: Mapping[str, str]) -> str:
    """The page as text. `places`: where in the pack a file lies, by its SHA-256; a link leads there."""
    verified, scores, stages, replays = _verified(facts), _scores(facts), _stages(facts), _replays(facts)
    hashes = [*_data(facts), *_rest(facts)]
    shown = [
        *verified, *(score.value for score in scores), *hashes, *(one.record for one in stages),
        *(one.evidence for one in replays), *(one for item in checklist.items for one in item.evidence),
    ]  # fmt: skip
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["brief"] = _brief
    return environment.get_template("checklist.html").render(
        by_place=_by_place,
        checklist=checklist,
        findings=facts.findings,
        shown_findings=[_place(one.kind, one.place, one.field) for one in facts.findings[:MOST_FINDINGS]],
        verified=verified,
        model=_model(facts),
        scores=scores,
        stages=stages,
        hashes=hashes,
        replays=replays,
        signatures=facts.signatures,
        files=sorted({(one.place, one.sha256) for one in shown if one.sha256}),
        places=places,
        detects=DETECTS,
        cannot=CANNOT,
    )


def _by_place(evidence: Sequence[Evidence]) -> dict[str, list[Evidence]]:
    """What each place says, in the order in which it is named."""
    places: dict[str, list[Evidence]] = {}
    for one in evidence:
        places.setdefault(one.place, []).append(one)
    return places


def _brief(place: str) -> str:
    """A record by the beginning of its hash: the list of files has all of it."""
    path = PurePosixPath(place)
    return f"record {path.stem[:12]}" if path.parent.name == "records" else place


def _place(kind: str, place: str, field: str) -> str:
    """Where something differs; files of the corpus may be named after people."""
    where = "a file of the corpus" if place.startswith(_CORPUS) else place
    return " ".join(filter(None, (f"{kind}:", where, field)))


def _verified(facts: Facts) -> list[Evidence]:
    lines = facts.subject.chain.lines
    if not lines:
        return []
    head = lines[-1].hash
    return [
        Evidence(
            "records in the ledger, each chained to the one before", str(len(lines)), "ledger.jsonl", head
        ),
        Evidence(
            "stages of dvc.lock with the record that made them",
            str(len(facts.subject.records)),
            "ledger.jsonl",
            head,
        ),
        Evidence("files that these stages read and wrote", str(len(facts.sealed.sums)), "ledger.jsonl", head),
        Evidence(
            "differences found when all was hashed again", str(len(facts.findings)), "ledger.jsonl", head
        ),
    ]


def _model(facts: Facts) -> list[tuple[str, str]]:
    if not {"model", "train", "task", "seed"} <= facts.params.keys():
        return []
    base, train, seed = facts.params["model"], facts.params["train"], facts.params["seed"]
    made = f"strategy {train['strategy']['kind']}, at most {train['epochs']} epochs, seed {seed}"
    name = facts.params["export"]["name"] if "export" in facts.params else "not exported"
    start = "random weights" if base["scratch"] else f"{base['source']} {base['name']}"
    return [("Task", facts.params["task"]), ("Name", name), ("Began as", start), ("Trained by", made)]


def _scores(facts: Facts) -> list[Score]:
    if "evaluate" not in facts.subject.records:
        return []
    headline = facts.subject.records["evaluate"]["reported"]["headline"]

    def said(name: str) -> Evidence:
        return facts.recorded(name, f"{headline[name]:.3f}", "evaluate")

    def reach(name: str) -> tuple[Evidence, Evidence] | None:
        return (said(f"{name}_low"), said(f"{name}_high")) if f"{name}_low" in headline else None

    return [
        Score(name, said(name), reach(name))
        for name in headline if not name.endswith(("_low", "_high"))
    ]  # fmt: skip


def _stages(facts: Facts) -> list[Made]:
    return [
        Made(
            stage, record["code"]["commit"] if record["code"] else "no commit",
            record["code"] is not None and not record["code"]["dirty"],
            len(record["inputs"]), len(record["outputs"]), facts.recorded("record", stage, stage),
        )
        for stage, record in facts.subject.records.items()
    ]  # fmt: skip


def _data(facts: Facts) -> Iterator[Evidence]:
    for path in _DATA:
        if path in facts.sealed.sums:
            rows = f", {facts.rows[path]:,} rows" if path in facts.rows else ""
            yield facts.sealed.says(f"{path}{rows}", "sealed", path)


def _rest(facts: Facts) -> Iterator[Evidence]:
    for name in ("params.yaml", "dvc.yaml", "requirements.lock", DECLARATIONS, ACCEPTANCE):
        if name in facts.sums:
            yield facts.beside(name, "as it lies here", name)


def _replays(facts: Facts) -> Sequence[Replay]:
    return [
        Replay(record, Evidence("certificate", record["tier"], facts.place(name), name))
        for name, record in facts.certificates
    ]
