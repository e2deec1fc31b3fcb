"""clintune verify: everything that the ledger sealed, hashed again. No time and no tag is believed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clintune.errors import LedgerError, TrackingError, UserError
from clintune.evidence.verification import verifier
from clintune.evidence.verification.observing import observe
from clintune.evidence.verification.sealed import Sealed, ledger_in, lines_in
from clintune.locks import is_held
from clintune.tracking.home import Home, without_password


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is not as it was sealed, and how much was looked at."""

    findings: Sequence[Mapping[str, str]]
    looked_at: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return {"findings": list(self.findings), "looked_at": dict(self.looked_at)}

    def lines(self) -> list[str]:
        """For a person."""
        counts = ", ".join(f"{count:,} {what}" for what, count in self.looked_at.items())
        head = [verifier.shown(dict(one)) for one in self.findings]
        last = f"{len(head)} not as sealed" if head else "Everything is as it was sealed"
        return [*head, f"{last}: {counts}."]


def verify(root: Path, place: Home) -> Verdict:
    """Hash everything again, and let the judge that goes with an evidence file compare.

    Raises TrackingError where the tracking store cannot be asked, LedgerError where nothing was ever sealed.
    """
    sealed, observed = look(root, place)
    return verdict_of(observed, sealed)


def look(root: Path, place: Home) -> tuple[Sealed, dict[str, Any]]:
    """The ledger, and what there is; again where something was sealed meanwhile: its run may be there.

    Raises UserError while a stage runs in the project.
    """
    while True:
        _expect_no_stage(root)
        sealed = ledger_in(place.ledger)
        with _legible(place):
            observed = json.loads(json.dumps(observe(root, place, sealed), default=repr))
        _expect_no_stage(root)
        if lines_in(place.ledger) == sealed.lines:
            return sealed, observed


def _expect_no_stage(root: Path) -> None:
    """DVC takes the outputs of a stage away before it runs: each would be a finding."""
    if is_held(root):  # by clintune.process.wait_for_turn
        problem = "a stage runs in it, and what it wrote before is away until it ends"
        raise UserError("the project", problem, "ask again then")


@contextmanager
def _legible(place: Home) -> Iterator[None]:
    """Raises UserError for a file that this user may not read, and for bytes where MLflow writes text."""
    try:
        yield
    except OSError as error:
        problem = f"cannot be read ({error.strerror or type(error).__name__})"
        name = str(error.filename or "a file of the project")
        raise UserError(name, problem, "make it readable for who verifies") from None
    except (TypeError, UnicodeError) as error:
        problem = f"it holds a value that MLflow does not write ({error})"
        raise TrackingError(without_password(place.uri), problem, "restore it from a copy") from error


def verdict_of(observed: dict[str, Any], sealed: Sealed) -> Verdict:
    """The judgement on what was observed. Raises LedgerError for a record that no stage can have written."""
    looked_at = {
        "lines of the ledger": len(sealed.lines),
        "stages of dvc.lock": len(observed["lock"]),
        "objects of the cache": len(observed["cache"]),
    }
    if observed["waiting"]:
        looked_at["run(s) that wait to be sent and were not compared"] = len(observed["waiting"])
    if observed["others"]:
        looked_at["run(s) of other ledgers that were left to those"] = observed["others"]
    try:
        return Verdict(verifier.judge(observed, sealed.lines, sealed.records), looked_at)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        problem = f"a record in it has the name of its content, and no form ({type(error).__name__}: {error})"
        raise LedgerError(".clintune/ledger", problem, "someone forged it: restore the ledger") from error
