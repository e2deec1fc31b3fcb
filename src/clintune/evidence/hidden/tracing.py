"""clintune check --trace: each stage run again in a copy, traced; what it used that nobody declared."""

import os
import re
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from clintune.evidence.hidden.calls import Contact
from clintune.evidence.hidden.copying import copy_of, hold_records
from clintune.evidence.hidden.finding import Hidden, Traced
from clintune.evidence.hidden.outputs import unlike_lock
from clintune.evidence.hidden.running import Observed, Runner, can_trace, chosen
from clintune.evidence.hidden.strays import Declared
from clintune.evidence.hidden.variables import Outcome, candidates, influences
from clintune.lockfile import read_lock
from clintune.tracking.home import Home

_LOOPBACK = re.compile(r"localhost|127\.[\d.]+|::1")
_BLIND = "no strace here: files that native code opens, and its network, are not seen"


def trace(project: Path, home: Home, stages: list[str], folder: Path) -> Traced:
    """Run the stages in a copy below the empty `folder`, in the order of dvc.yaml.

    Raises UserError where nothing has run yet, or an output is not here.
    """
    lock = read_lock(project / "dvc.lock")
    wanted = chosen(project, lock, stages)
    copy = copy_of(project, lock, folder / "copy")
    (scratch := folder / "scratch").mkdir()
    records = Home(copy.root / ".clintune")
    lock_of_sender = hold_records(records)
    try:
        runner = Runner(copy, _environment(records), scratch, native=can_trace())
        return Traced.joined([_stage(runner, stage, server_of(home.uri)) for stage in wanted])
    finally:
        os.close(lock_of_sender)


def _environment(records: Home) -> dict[str, str]:
    """The user's variables, but for those by which an outer DVC speaks; records of the copy's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "MLFLOW_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"
    store = f"sqlite:///{records.database}"
    return {**kept, "PATH": path, "MLFLOW_TRACKING_URI": store, "DVC_NO_ANALYTICS": "1"}


def server_of(uri: str) -> frozenset[Contact]:
    """The tracking server where it is one of this machine: a stage may call it."""
    where = urlsplit(uri)
    if where.scheme not in {"http", "https"} or not _LOOPBACK.fullmatch(where.hostname or ""):
        return frozenset()
    port = where.port or (443 if where.scheme == "https" else 80)
    return frozenset(Contact(host, port) for host in {where.hostname or "", "127.0.0.1", "::1"})


def _stage(runner: Runner, stage: str, server: frozenset[Contact]) -> Traced:
    """Traced once; then as often as its variables ask for."""
    by = "strace" if runner.native else "audit hook"
    observed = runner.observe(stage)
    declared = Declared(runner.copy, stage, runner.scratch, server, by)
    findings = list(declared.strays(observed.calls))
    not_checked = [] if runner.native else [_BLIND]
    allowed = [
        f"{stage}: network {contact}: the tracking server of MLFLOW_TRACKING_URI"
        for contact in sorted(observed.calls.contacts & server)
    ]
    findings += unlike_lock(runner.copy, stage, observed.code, observed.sums)
    if observed.code:
        not_checked.append(f"{stage}: variables: it stopped with {observed.code} before any was varied")
    else:
        told, unknown = _variables(runner, stage, observed)
        findings, not_checked = findings + told, not_checked + unknown
    runner.copy.restore(stage)
    return Traced((stage,), tuple(findings), tuple(not_checked), tuple(allowed))


class _UnsteadyError(Exception):
    """The stage makes other bytes under the same variables."""


def _variables(runner: Runner, stage: str, observed: Observed) -> tuple[list[Hidden], list[str]]:
    """The variables that change an output, and what is not known of the others."""
    values = candidates(observed.variables, runner.environment)
    steady = False

    def outcome(changes: Mapping[str, str | None]) -> Outcome:
        nonlocal steady
        made = runner.outcome(stage, changes)
        if made != observed.sums and not steady:
            if runner.outcome(stage, {}) != observed.sums:
                raise _UnsteadyError
            steady = True
        return made

    try:
        found = list(influences(values, outcome, observed.sums))
    except _UnsteadyError:
        return [], [f"{stage}: variables: it makes other bytes each time, whatever they are"]
    step = "make it a param of params.yaml that dvc.yaml declares, or leave it alone"
    decide = [one for one in found if one.decides]
    findings = [Hidden(stage, "variable", one.name, one.seen(observed.sums), step) for one in decide]
    stops = Counter(one.name for one in found if not one.decides)
    unusable = sorted(name for name, times in stops.items() if times == len(values[name]))
    return findings, [
        f"{stage}: variable {name}: the stage stops with every value tried" for name in unusable
    ]
