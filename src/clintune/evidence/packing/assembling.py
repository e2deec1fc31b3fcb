"""What goes into an evidence file: the ledger, what was found when it was packed, what people read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clintune.evidence.changes.changing import changes
from clintune.evidence.checklist.checking import parts as checklist_parts
from clintune.evidence.documents.writing import documents
from clintune.evidence.git import commit_of, written_by
from clintune.evidence.packing.archive import MANIFEST, alone, expect_unsigned, write_archive
from clintune.evidence.subject import Subject, subject_of
from clintune.evidence.verification import verifier
from clintune.evidence.verification.findings import Finding, as_findings
from clintune.evidence.verification.verifying import look, verdict_of
from clintune.files import sha256
from clintune.sealing.canonical import canonical
from clintune.sealing.hashing import Sum
from clintune.tracking.home import Home
from clintune.tracking.store import answering
from clintune.tracking.trail.opening import is_kept
from clintune.tracking.trail.reading import trail_of

FORMAT = "clintune evidence 1"
OBSERVED, LEDGER, CHANGES = "observed.json", "ledger/ledger.jsonl", "changes.json"

_NEVER_TEXT = (
    "data/evaluation/metrics.json", "data/bundle/MODEL_CARD.md", "data/bundle/bundle.json",
    "data/bundle/self_check.json", "data/windows/summary.json",
    "data/checkpoint/params.json", "data/pretrained/encoders.json",
)  # fmt: skip
"""Outputs that hold counts, scores and settings, and no text of a record."""
_NAMES_VALUES = "data/examples/summary.json"
"""Counts records by the values of their attributes, rare ones too: only where records may be shown."""
_OF_THE_PROJECT = ("dvc.lock", "dvc.yaml", "params.yaml", "requirements.lock")

_README = """\
This is the evidence for a model: which data, code, params and environment made it.

    python3 -I verify.py                     unpacked here, nothing else beside it; needs Python 3.10 alone
    python3 -I verify.py evidence.zip        the same of the file
    python3 -I verify.py --files FOLDER      with what was delivered: a checkout, or a bundle alone
    python3 -I verify.py --signers FILE      who signed; FILE lists who may (ssh-keygen, allowed signers)

verify.py has 300 lines: read it first. report.html, the checklist, the other documents, the trail and the
copies of dvc.lock, dvc.yaml, params.yaml and requirements.lock are for reading: only a signature vouches for
those texts. A signature that was taken out leaves no trace.

"""


def pack(
    root: Path, place: Home, file: Path, *, since: str | None = None
) -> tuple[list[dict[str, str]], int, list[str]]:
    """Write the evidence of what dvc.lock names.

    Gives what verification finds now, the number of parts, and the commits whose authors nobody knows here.

    With the change record `since` a commit or a run, if one is named. Raises LedgerError where nothing was
    ever sealed, TrackingError where the store cannot be asked, UserError where the name stands for nothing,
    or the file that is there already is no evidence, or signed.
    """
    expect_unsigned(file)
    changed = {} if since is None else {CHANGES: canonical(changes(root, place, since, None).as_json())}
    sealed, observed = look(root, place)
    findings = verdict_of(observed, sealed).findings
    subject = subject_of(root, place, sealed)
    parts = assemble(subject, observed, as_findings(findings), changed)
    parts[MANIFEST] = canonical(manifest(subject, parts))
    with alone(file):
        expect_unsigned(file)  # somebody may have signed the one before meanwhile
        write_archive(file, parts)
    not_here = [one for one in _commits(subject) if commit_of(root, one) is None]
    return [dict(one) for one in findings], len(parts), not_here


def assemble(
    subject: Subject, observed: Mapping[str, Any], findings: Sequence[Finding], more: Mapping[str, bytes]
) -> dict[str, bytes]:
    """All parts but the manifest, by path; `more` of them are made already."""
    parts = {
        **more,
        LEDGER: b"".join(line + b"\n" for line in subject.sealed.lines),
        **{f"ledger/records/{name}.json": content for name, content in subject.sealed.records.items()},
        OBSERVED: canonical(observed),
        **{f"files/{path}": content for path, content in _files(subject, observed)},
        **{
            f"certificates/{number}.json": canonical(one)
            for number, one in enumerate(subject.certificates, start=1)
        },
        "audit_trail.jsonl": _trail(subject.home),
        "verify.py": Path(verifier.__file__).read_bytes(),
        "README.txt": (_README + verifier.THREATS + "\n").encode(),
    }
    places = {one["sha256"]: path for path, one in sums_of(parts).items()}
    parts |= checklist_parts(subject, findings, places=places)
    return parts | documents(subject, beside=sums_of(parts))


def sums_of(parts: Mapping[str, bytes]) -> dict[str, Sum]:
    """SHA-256 and size of each part."""
    return {path: {"sha256": verifier.sha256(one), "size": len(one)} for path, one in parts.items()}


def manifest(subject: Subject, parts: Mapping[str, bytes]) -> dict[str, Any]:
    """What names every part by its hash, and the end of the ledger: this is what people sign."""
    written = (written_by(subject.root, commit) for commit in _commits(subject))
    ran = {record["by"] for record in subject.records.values()}
    _, lines, _ = verifier.read_ledger(subject.sealed.lines, subject.sealed.records)
    return {
        "format": FORMAT,
        "authors": sorted(ran.union(*written)),
        "head": lines[-1] if lines else {},
        "parts": {path: {"sha256": verifier.sha256(one)} for path, one in parts.items()},
    }


def _files(subject: Subject, observed: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Those that are as verification saw them, which has said so if that is not as they were sealed."""
    for path in _OF_THE_PROJECT:
        if (subject.root / path).is_file():
            yield path, (subject.root / path).read_bytes()
    shown = subject.records.get("evaluate", {}).get("reported", {}).get("params", {})
    shareable = shown.get("evaluate.shareable") == "true"
    for path in (*_NEVER_TEXT, *[_NAMES_VALUES] * shareable):
        file = subject.root / path
        if path in observed["files"] and sha256(file) == observed["files"][path]:
            yield path, file.read_bytes()


def _trail(place: Home) -> bytes:
    """What changed in the store after a run was over, with the values before."""
    if not is_kept(place):
        return b""
    with answering(place.uri):
        return b"".join(canonical(asdict(one)) + b"\n" for one in trail_of(place))


def _commits(subject: Subject) -> list[str]:
    return sorted({record["code"]["commit"] for record in subject.records.values() if record["code"]})
