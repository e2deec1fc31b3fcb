"""dvc.lock against the ledger: a stage of record made what it names, and that lies there as it was made."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from clintune.errors import ParamsError, UserError
from clintune.evidence.verification.chain import Chain
from clintune.evidence.verification.findings import Finding, Kind, differences
from clintune.lockfile import LockEntry, entry_sha256, inputs_sha256, read_lock
from clintune.params import leaves, load_params
from clintune.sealing.hashing import sums
from clintune.sealing.record import KIND


def lock_findings(root: Path, chain: Chain, lock: Mapping[str, LockEntry]) -> Iterator[Finding]:
    """Of each entry of dvc.lock: a record that made it, and every file that it names as it was sealed.

    What no stage made (an entry written by hand, or by `dvc commit` after an edit) is compared with what the
    stage made last from the same inputs, or made last at all: that names what is not the same.
    """
    sealed = [record for _, record in chain.sealed(KIND)]
    chosen = []
    for stage, entry in lock.items():
        own = [record for record in sealed if record["stage"] == stage]
        made = [record for record in own if record["lock_entry_sha256"] == entry_sha256(entry)]
        alike = [record for record in own if record["inputs_sha256"] == inputs_sha256(entry)] or own
        if not made:
            yield from _not_made(stage, entry, alike[-1] if alike else None)
        chosen += (made or alike)[-1:]
    yield from _broken_links(lock)
    yield from _files(root, chosen)


def relied_on(chain: Chain, lock: Mapping[str, LockEntry]) -> set[str]:
    """The runs that alone made an entry of dvc.lock."""
    makers: dict[str, list[str]] = defaultdict(list)
    for _, record in chain.sealed(KIND):
        makers[record["lock_entry_sha256"]].append(record["run"])
    return {runs[0] for entry in lock.values() if len(runs := makers[entry_sha256(entry)]) == 1}


def _broken_links(lock: Mapping[str, LockEntry]) -> Iterator[Finding]:
    """What a stage read that another stage made, but not as that one made it."""
    made = {out["path"]: out["md5"] for entry in lock.values() for out in entry.get("outs", [])}
    for stage, entry in lock.items():
        for dep in entry.get("deps", []):
            if made.get(dep["path"], dep["md5"]) != dep["md5"]:
                place = f"dvc.lock: {stage}"
                yield Finding("lock", place, f"dep {dep['path']}", made[dep["path"]], dep["md5"])


def _files(root: Path, records: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """What these stages read and wrote, each file hashed once."""
    read, wrote = (
        {one["path"] for record in records for one in record["lock"].get(kind, [])}
        for kind in ("deps", "outs")
    )
    sealed = {
        path: one["sha256"]
        for side in ("inputs", "outputs") for record in records for path, one in record[side].items()
    }  # fmt: skip
    now = {path: one["sha256"] for path, one in sums(root, wrote | read).items()}
    for path in sorted(sealed.keys() | now.keys()):
        if sealed.get(path) != now.get(path):
            kind: Kind = "output" if inside(path, wrote) else "input"
            yield Finding(kind, path, "SHA-256", sealed.get(path, ""), now.get(path, ""))


def inside(path: str, folders: Set[str]) -> bool:
    """Whether it is one of them, or lies below one."""
    return any(str(one) in folders for one in (Path(path), *Path(path).parents))


def _not_made(stage: str, entry: LockEntry, record: Mapping[str, Any] | None) -> Iterator[Finding]:
    place = f"dvc.lock: {stage}"
    yield Finding(
        "lock", place, "entry", "" if record is None else record["lock_entry_sha256"], entry_sha256(entry)
    )
    if record is not None:
        yield from differences("lock", place, "", _flat(record["lock"]), _flat(entry))


def _flat(entry: LockEntry) -> dict[str, str]:
    """Command, hashes and params of an entry, by a name for each."""
    hashes = {
        f"{kind} {one['path']}": one.get("md5", "")
        for kind in ("dep", "out") for one in entry.get(f"{kind}s", [])
    }  # fmt: skip
    params = {
        f"param {key}": json.dumps(value, ensure_ascii=False)
        for values in entry.get("params", {}).values() for key, value in leaves(values)
    }  # fmt: skip
    return {"cmd": entry["cmd"], **hashes, **params}


def param_findings(root: Path, lock: Mapping[str, LockEntry]) -> Iterator[Finding]:
    """Params of params.yaml that are not those of dvc.lock, stage by stage."""
    try:
        now = load_params(root / "params.yaml").model_dump(mode="json")
    except ParamsError as error:
        yield Finding("param", "params.yaml", "", "valid params", str(error))
        return
    flat = dict(leaves(now))
    for entry in lock.values():
        for values in entry.get("params", {}).values():
            sealed = dict(leaves(values))
            yield from differences(
                "param", "params.yaml", "", sealed, {key: flat[key] for key in sealed if key in flat}
            )


def locked(root: Path) -> dict[str, LockEntry]:
    """The entries of dvc.lock; none before the first run."""
    try:
        return read_lock(root / "dvc.lock")
    except UserError:
        if (root / "dvc.lock").exists():
            raise
        return {}
