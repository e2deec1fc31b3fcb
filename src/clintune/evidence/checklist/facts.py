"""All that the items are judged by, read once. Judging is then pure: the same facts, the same verdicts."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import date
from functools import partial
from typing import Any, TypeVar, get_args

from clintune.evidence.checklist.census import Census, census
from clintune.evidence.checklist.items import Evidence, Unknown
from clintune.evidence.checklist.leaks import Leaks, leaks
from clintune.evidence.checklist.packages import LOCKS, Lock, read_locks
from clintune.evidence.checklist.repository import Repository, day, read_repository
from clintune.evidence.checklist.sealed import Sealed
from clintune.evidence.checklist.signatures import Signature
from clintune.evidence.declared import (
    ACCEPTANCE,
    DECLARATIONS,
    Acceptance,
    Declaration,
    read_acceptance,
    read_declarations,
)
from clintune.evidence.replaying.certificate import Certificate, Tier
from clintune.evidence.subject import Record, Subject
from clintune.evidence.verification.findings import Finding
from clintune.evidence.verification.observing import CERTIFICATE
from clintune.files import sha256
from clintune.lockfile import entry_sha256, is_code
from clintune.sealing.record import KIND
from clintune.tracking.journal import journals
from clintune.tracking.store import answering
from clintune.tracking.trail.opening import is_kept, name_of
from clintune.tracking.trail.reading import trail_of

Read = TypeVar("Read")

METRICS = "data/evaluation/metrics.json"
SUMMARY = "data/examples/summary.json"
TEST = "data/examples/test.parquet"
_BESIDE = ("params.yaml", "dvc.yaml", "pyproject.toml", ACCEPTANCE, DECLARATIONS, *LOCKS)
"""Files that say something and that no stage made."""


@dataclass(frozen=True, slots=True)
class Trail:
    """The trail of the store, by its name, and how many changes it holds. Its gaps are findings."""

    store: str
    changes: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What could be read of a subject. A value that is an Unknown could not, for that reason.

    `params`: as the stages sealed them, by section. `record_sums`: the SHA-256 of each stage's record.
    `report`: the evaluation's page. `rows`: of each table that a stage wrote. `certificates`: of replays that
    are about this dvc.lock, oldest first, with their SHA-256. `sums`: SHA-256 by name of files that no stage
    made. `waiting`: how many runs the store has not got yet.
    """

    subject: Subject
    findings: Sequence[Finding]
    signatures: Sequence[Signature]
    sealed: Sealed
    record_sums: Mapping[str, str]
    params: Mapping[str, Any]
    summary: Mapping[str, Any] | Unknown
    windows: Mapping[str, Any] | Unknown
    metrics: Mapping[str, Any] | Unknown
    bins: Sequence[Mapping[str, str]] | Unknown
    report: str | Unknown
    rows: Mapping[str, int]
    census: Census | Unknown
    leaks: Leaks | Unknown
    locks: Mapping[str, Lock]
    repository: Repository | None
    trail: Trail | None
    certificates: Sequence[tuple[str, Record]]
    declarations: Mapping[str, Declaration]
    acceptance: Acceptance | None
    sums: Mapping[str, str]
    waiting: int

    def section(self, name: str) -> Any:
        """Of the params, as a stage sealed it. Raises Unknown where no stage of dvc.lock read it."""
        if name not in self.params:
            raise Unknown(f"no stage of dvc.lock read the params {name}")
        return self.params[name]

    def record(self, stage: str) -> Record:
        """Of a stage. Raises Unknown where dvc.lock has no such stage."""
        if stage not in self.subject.records:
            raise Unknown(f"dvc.lock has no stage {stage}")
        return self.subject.records[stage]

    def recorded(self, what: str, value: object, stage: str) -> Evidence:
        """That the record of a stage says so."""
        self.record(stage)
        return Evidence(what, str(value), self.place(self.record_sums[stage]), self.record_sums[stage])

    def place(self, record: str) -> str:
        """Where the record with this SHA-256 lies."""
        home = self.subject.home
        return f"{home.root.name}/{home.ledger.name}/records/{record}.json"

    def beside(self, what: str, value: object, name: str) -> Evidence:
        """That a file says so which no stage made."""
        return Evidence(what, str(value), name, self.sums.get(name, ""))

    @property
    def synthetic(self) -> bool:
        """Whether a program wrote the records, which are of nobody then."""
        return bool(self.section("ingest")["source"] == "synthetic")

    @property
    def reads(self) -> list[Record]:
        """Every sealed evaluation on the same test split, oldest first."""
        test = self.record("evaluate")["inputs"][TEST]["sha256"]
        sealed = [one for _, one in self.subject.chain.sealed(KIND) if one["stage"] == "evaluate"]
        return [one for one in sealed if one["inputs"][TEST]["sha256"] == test]

    @property
    def params_since(self) -> date | None:
        """The day of the last change of params: of the commit, or of the run where git does not know them."""
        committed = None if self.repository is None else self.repository.params_since
        if committed is not None or not self.subject.records:
            return committed
        return max(day(record["started"]) for record in self.subject.records.values())


def known(value: Read | Unknown) -> Read:
    """The value. Raises the Unknown that stands in its place."""
    if isinstance(value, Unknown):
        raise value
    return value


def gather(subject: Subject, findings: Sequence[Finding], signatures: Sequence[Signature]) -> Facts:
    """Read everything. Raises UserError where a file of declarations is not in its form."""
    root, sealed, params = subject.root, Sealed.of(subject), _params(subject)
    summary = _read(lambda: sealed.json(SUMMARY))
    outputs = [path for record in subject.records.values() for path in record["outputs"]]
    codes = [record["code"] for _, record in subject.chain.sealed(KIND)]
    commits = {code["commit"] for code in codes if code is not None}
    return Facts(
        subject=subject,
        findings=findings,
        signatures=signatures,
        sealed=sealed,
        record_sums=_names(subject),
        params=params,
        summary=summary,
        windows=_read(lambda: sealed.json("data/windows/summary.json")),
        metrics=_read(lambda: sealed.json(METRICS)),
        bins=_read(lambda: sealed.rows("data/evaluation/plots/reliability.csv")),
        report=_read(lambda: sealed.text("data/evaluation/report.html")),
        rows=_rows(sealed),
        census=_read(lambda: census(sealed, known(summary)["labels"], params["task"])),
        leaks=_read(lambda: leaks(sealed, subject.home.root, outputs)),
        locks=read_locks(root),
        repository=read_repository(root, commits, (ACCEPTANCE,), _code(subject)),
        trail=_trail(subject),
        certificates=_certificates(subject),
        declarations=read_declarations(root),
        acceptance=read_acceptance(root),
        sums={name: sha256(root / name) for name in _BESIDE if (root / name).is_file()},
        waiting=len(journals(subject.home.spool)),
    )


def _code(subject: Subject) -> dict[str, set[str]]:
    """By commit, the code that stages of dvc.lock ran at it."""
    found = defaultdict[str, set[str]](set)
    for record in subject.records.values():
        if record["code"] is not None:
            found[record["code"]["commit"]] |= set(filter(is_code, record["inputs"]))
    return found


def _names(subject: Subject) -> dict[str, str]:
    """By stage the SHA-256 of its record."""
    return {
        stage: next(name for name, one in subject.chain.records.items() if one is record)
        for stage, record in subject.records.items()
    }


def _read(one: Callable[[], Read]) -> Read | Unknown:
    try:
        return one()
    except Unknown as why:
        return why


def _params(subject: Subject) -> dict[str, Any]:
    """Each section as a stage sealed it that read all of it, and not some keys alone."""
    found: dict[str, Any] = {}
    for record in subject.records.values():
        for values in record["lock"].get("params", {}).values():
            found |= {name: value for name, value in values.items() if "." not in name}
    return found


def _rows(sealed: Sealed) -> dict[str, int]:
    import pyarrow.parquet as pq

    found = {}
    for path in sealed.sums:
        file = _read(partial(sealed.file, path)) if path.endswith(".parquet") else Unknown("")
        if not isinstance(file, Unknown):
            found[path] = int(pq.read_metadata(file).num_rows)
    return found


def _trail(subject: Subject) -> Trail | None:
    if not is_kept(subject.home):
        return None
    with answering(subject.home.uri):
        return Trail(name_of(subject.home), len(trail_of(subject.home)))


def _certificates(subject: Subject) -> list[tuple[str, Record]]:
    """Those of exactly these entries of dvc.lock. What is sealed as one and is none is none.

    Those of earlier versions lack what has a default.
    """
    entries = {stage: entry_sha256(entry) for stage, entry in subject.lock.items()}
    whole = {one.name for one in fields(Certificate) if one.default_factory is MISSING}
    return [
        (line.record, record)
        for line, record in subject.chain.sealed(CERTIFICATE)
        if record.keys() >= whole and record["entries"] == entries and record["tier"] in get_args(Tier)
    ]
