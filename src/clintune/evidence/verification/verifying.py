"""clintune verify: everything that the ledger sealed, hashed again. No time and no tag is believed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clintune.errors import LedgerError
from clintune.evidence.verification.cache import cache_findings
from clintune.evidence.verification.chain import Chain
from clintune.evidence.verification.findings import Finding
from clintune.evidence.verification.lock import lock_findings, locked, param_findings, relied_on
from clintune.evidence.verification.runs import line_findings, run_findings
from clintune.tracking import trail
from clintune.tracking.home import Home
from clintune.tracking.journal import journals
from clintune.tracking.store import answering, open_store
from clintune.tracking.stored import stored_runs


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is not as it was sealed, and how much was looked at."""

    findings: tuple[Finding, ...]
    looked_at: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return {"findings": [one.as_json() for one in self.findings], "looked_at": self.looked_at}

    def lines(self) -> list[str]:
        """For a person."""
        counts = ", ".join(f"{count:,} {what}" for what, count in self.looked_at.items())
        head = [str(one) for one in self.findings]
        last = f"{len(head)} findings" if head else "Everything is as it was sealed"
        return [*head, f"{last}: {counts}."]


def verify(root: Path, place: Home) -> Verdict:
    """Hash everything again.

    Raises TrackingError where the tracking store cannot be asked, LedgerError where nothing was ever sealed.
    """
    chain, lock = Chain.of(place.ledger), locked(root)
    cached, objects = cache_findings(root, lock)
    findings = [*chain.findings, *lock_findings(root, chain, lock), *param_findings(root, lock), *cached]
    findings += trail_findings(place)  # before the store is opened, which lays it anew
    store = open_store(place)
    waiting = {folder.name for folder in journals(place.spool)}
    with answering(store.uri):
        stored = stored_runs(store)
        if not chain.lines and not any(one.sealed for one in stored.values()):
            raise LedgerError(
                f"{place.root.name}/{place.ledger.name}", "nothing was sealed here", "dvc repro seals"
            )
        findings += line_findings(stored, chain)
        findings += run_findings(store, stored, chain, waiting=waiting, relied_on=relied_on(chain, lock))
    looked_at = {
        "lines of the ledger": len(chain.lines),
        "stages of dvc.lock": len(lock),
        "objects of the cache": objects,
    }
    return Verdict(tuple(sorted(set(findings))), looked_at)


def trail_findings(place: Home) -> Iterator[Finding]:
    """Whether the store keeps old values: the triggers are there, and those that were meant."""
    if place.sqlite is not None and place.sqlite.exists():
        for name, found in trail.gaps(place.sqlite):
            yield Finding("trail", place.sqlite.name, name, "a trigger of the trail", found)
