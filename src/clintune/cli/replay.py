"""clintune replay: run a commit or a run again from nothing, compare, seal the verdict."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from clintune import provenance
from clintune.errors import LedgerError, UserError
from clintune.evidence.replaying.certificate import Certificate, certify
from clintune.evidence.replaying.comparison import expect_comparable, packages
from clintune.evidence.replaying.recording import record
from clintune.evidence.replaying.rerun import rerun
from clintune.evidence.replaying.target import Target, target_of
from clintune.evidence.replaying.variations import conditions_of
from clintune.sealing.ledger import Ledger
from clintune.tracking.home import Home
from clintune.tracking.journal import now
from clintune.tracking.store import answering, open_store
from clintune.tracking.stored import stored_runs

_NAMED = 5
"""Packages that are named before a replay; the certificate names all."""


def replay_and_certify(
    root: Path,
    place: Home,
    named: str | None,
    *,
    vary: str | None = None,
    own_environment: bool = False,
    keep: Path | None = None,
) -> Iterator[Certificate]:
    """Of each replay a certificate, sealed and shown in MLflow. The first clone may stay in `keep`."""
    if keep is not None:
        _expect_room(keep)
    target = target_of(root, place, named)
    _expect_sealable(place)
    expect_comparable(target.records, f"{place.root.name}/{place.ledger.name}")
    if not own_environment:
        _forewarn(target)
    shown = _shown(place, target)
    for number, conditions in enumerate(conditions_of(vary)):
        began = now()
        with tempfile.TemporaryDirectory(prefix="clintune-replay-") as folder:
            try:
                replayed = rerun(root, target, Path(folder), conditions, own_environment=own_environment)
                certificate = certify(target, replayed, root, shown)
                record(place, certificate, began=began)
                yield certificate
            finally:  # where a stage failed, too
                clone = conditions.folder(Path(folder))
                if keep is not None and not number and clone.exists():
                    _keep(clone, keep)


def _expect_room(keep: Path) -> None:
    """Before hours are spent on what could not be left there."""
    try:
        keep.mkdir(parents=True)
        keep.rmdir()
    except FileExistsError:
        raise UserError(str(keep), "is there already", "name a folder that is not") from None
    except OSError as error:
        problem = f"no folder can be made there ({error.strerror})"
        raise UserError(str(keep), problem, "name another") from None


def _keep(clone: Path, keep: Path) -> None:
    """Said, not raised: how a stage failed, or the verdict, is what counts."""
    try:
        shutil.move(clone, keep)
    except OSError as error:
        shutil.rmtree(keep, ignore_errors=True)  # half of it
        problem = f"the clone could not be left there ({error.strerror or 'not all of it could be copied'})"
        print(UserError(str(keep), problem, "make room, and replay again"), file=sys.stderr)


def _expect_sealable(place: Home) -> None:
    """Before hours are spent on a verdict that could not be sealed."""
    try:
        Ledger(place.ledger).expect_sound()
    except OSError as error:
        problem = f"the verdict cannot be sealed there ({error.strerror})"
        step = "make it a folder that you may write to"
        raise LedgerError(f"{place.root.name}/{place.ledger.name}", problem, step) from None


def _forewarn(target: Target) -> None:
    """Before hours are spent on it: the packages here that are not those of the run."""
    sealed = list(target.records.values())[-1]
    installed = provenance.environment()
    other = list(packages(sealed, {"stage": sealed["stage"], "environment": installed}))
    if other:
        some = "; ".join(f"{one.place} {one.where}" for one in other[:_NAMED])
        more = f"; and {len(other) - _NAMED} more" if len(other) > _NAMED else ""
        step = "--build-environment installs what the commit locks"
        print(f"other packages than those of the run: {some}{more}; {step}", file=sys.stderr)


def _shown(place: Home, target: Target) -> dict[str, dict[str, float]]:
    """By stage: the numbers that its run in MLflow shows."""
    store = open_store(place)
    with answering(store.uri):
        runs = stored_runs(store)
    return {
        stage: dict(runs[record["run"]].run.data.metrics)
        for stage, record in target.records.items()
        if record["run"] in runs
    }
