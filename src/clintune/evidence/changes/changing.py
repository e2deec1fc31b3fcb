"""clintune diff: two states of a project, compared."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clintune.evidence.changes.differing import (
    code_changes,
    compared,
    data_changes,
    environment_changes,
    outputs,
    param_changes,
)
from clintune.evidence.changes.judging import judge, overall
from clintune.evidence.changes.kept import Kept
from clintune.evidence.changes.paired import paired
from clintune.evidence.changes.plan import FILE, Plan, parse_plan
from clintune.evidence.changes.record import ChangeRecord, PlanUse, Side
from clintune.evidence.changes.scores import scores
from clintune.evidence.changes.states import State, state_of
from clintune.evidence.git import between, blob, facts, is_cut_off
from clintune.evidence.verification.sealed import ledger_in
from clintune.tracking.home import Home


def changes(root: Path, home: Home, a: str, b: str | None) -> ChangeRecord:
    """Compare two states; without `b` with dvc.lock as it lies there.

    Raises UserError where a name stands for nothing, or where the plan cannot be read.
    """
    chain, kept = ledger_in(home.ledger), Kept(root)
    one, other = state_of(root, home, chain, a), state_of(root, home, chain, b)
    plan, use = _plan(root, one, other)
    locks = _text(root, one, "requirements.lock"), _text(root, other, "requirements.lock")
    found = (
        *code_changes(one, other, kept), *data_changes(one, other),
        *param_changes(one, other), *environment_changes(one, other, locks),
    )  # fmt: skip
    numbers = tuple(scores(one, other, kept))
    judged = judge(plan, found, numbers) if use.sha256 or use.later else []
    looked_at = {*compared(one, other)}
    return ChangeRecord(
        a=_side(root, one),
        b=_side(root, other),
        plan=use,
        changes=found,
        outputs=tuple(outputs(one, other)),
        scores=numbers,
        paired=paired(one, other, kept),
        commits=between(root, one.commit, other.commit or "HEAD") if one.commit else (),
        cut_off=is_cut_off(root),
        not_compared=tuple(stage for stage in {**one.lock, **other.lock} if stage not in looked_at),
        judged=tuple(judged),
        verdict=overall(judged) if use.sha256 or use.later else None,
    )


def _side(root: Path, state: State) -> Side:
    lines = [line for line, _ in state.sealed.values()]
    records: Mapping[str, Mapping[str, Any]] = {stage: one for stage, (_, one) in state.sealed.items()}
    times = sorted({line["at"] for line in lines})
    return Side(
        name=state.name,
        commit=facts(root, state.commit) if state.commit else None,
        stages=tuple(state.lock),
        unrecorded=state.unrecorded,
        dirty=tuple(stage for stage, one in records.items() if one["code"] and one["code"]["dirty"]),
        by=tuple(sorted({record["by"] for record in records.values()})),
        sealed=tuple(_utc(at) for at in (times[:1] + times[-1:])),
    )


def _utc(at: int) -> str:
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(root: Path, state: State, path: str) -> bytes | None:
    """A file of the project that no stage reads: at the state's commit, or as it lies there."""
    if state.commit:
        return blob(root, state.commit, path)
    return (root / path).read_bytes() if (root / path).is_file() else None


def _plan(root: Path, a: State, b: State) -> tuple[Plan | None, PlanUse]:
    was, now = (_text(root, side, FILE) for side in (a, b))
    if was is None:
        later = "" if now is None else "made after A: it covers nothing of this change"
        return None, PlanUse(None, None, later)
    plan = parse_plan(was, place=FILE if a.commit is None else f"{a.name}:{FILE}")
    later = "" if was == now else "changed since" if now is not None else "taken away since"
    return plan, PlanUse(hashlib.sha256(was).hexdigest(), plan.version, later)
