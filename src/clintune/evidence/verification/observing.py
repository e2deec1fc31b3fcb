"""All that verification looks at, hashed now and written as one tree: no time and no tag is believed."""

import hashlib
import json
import math
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from clintune.errors import ParamsError, TrackingError
from clintune.evidence.objects import FOLDER, cache_at, listing, object_at
from clintune.evidence.verification import amiss, registry, verifier
from clintune.evidence.verification.sealed import Sealed, nothing_sealed
from clintune.evidence.verification.sharing import Sharing, before
from clintune.lockfile import LockEntry, read_lock
from clintune.params import leaves, load_params
from clintune.sealing.hashing import sums
from clintune.sealing.record import KIND
from clintune.tracking import limits
from clintune.tracking.artifacts import as_text, folder_of
from clintune.tracking.home import Home
from clintune.tracking.journal import journals
from clintune.tracking.store import Store, answering, open_store
from clintune.tracking.stored import (
    Stored,
    by_execution,
    content,
    execution,
    logged,
    registered,
    stored_runs,
)  # fmt: skip
from clintune.tracking.trail.opening import is_kept, name_of
from clintune.tracking.trail.reading import Change, gaps, odd_metrics, trail_of

Tree = dict[str, Any]
CERTIFICATE = "certificate"
"""The kind of what a replay seals."""


def observe(root: Path, place: Home, sealed: Sealed) -> Tree:
    """What there is now of all that was sealed, as a tree of JSON's types.

    Raises TrackingError where the tracking store cannot be asked, LedgerError where nothing was ever sealed.
    """
    if not sealed.lines and place.sqlite is not None and not place.sqlite.exists():
        raise nothing_sealed(place.ledger)
    lock = locked(root)
    said = {record["run"]: record for _, record in sealed.of_kind(KIND)}
    certificates = sealed.of_kind(CERTIFICATE)
    shown = {str(one["run"]): one for _, one in certificates if amiss.is_certified(one)}
    missing = list(_gaps(place))  # before the store is opened, which lays the trail anew
    store = open_store(place)
    waiting = sorted(folder.name for folder in journals(place.spool))
    with answering(store.uri):
        sharing = Sharing.of(place, stored_runs(store), {**said, **shown}, waiting)
        _expect_sealed(place, sealed, (stored := sharing.stored).values())
        runs = {key: _run(store, one, said.get(key) or shown.get(key)) for key, one in stored.items()}
        executions = dict(_executions(store, stored, said))
        versions = [one for one in registered(store) if one.run_id not in sharing.others]
        models = [one for one in logged(store) if one.run_id not in sharing.others]
    lines, trail = {key: one.sealed for key, one in stored.items() if one.sealed}, _trail(place)
    found = [
        *missing, *amiss.of_params(_params(root), lock), *amiss.of_files(root, lock),
        *amiss.of_lock(root, lock, [record for key, record in said.items() if key in lines]),
        *amiss.of_runs(stored, said, shown), *amiss.of_executions(executions), *amiss.of_rows(trail, stored),
        *amiss.of_replays(runs, certificates, {*waiting} - lines.keys()), *_metrics(place, stored),
        *registry.of_versions(versions, stored, said), *registry.of_models(models, stored, said),
        *amiss.of_trail(sharing.own_lines(_changed_tags(trail)), sealed.lines, lines.values()),
    ]  # fmt: skip
    return {
        "lock": lock,
        "files": _files(root, lock, [*said.values()]),
        "cache": _cache(root, [*lock.values(), *(record["lock"] for record in said.values())]),
        "amiss": [["" if one is None else str(one) for one in each] for each in found],
        "waiting": waiting,
        "others": len(sharing.others),
        "runs": runs,
        "executions": executions,
    }


def _expect_sealed(place: Home, sealed: Sealed, stored: Collection[Stored]) -> None:
    """Something, and here: of a store that was moved without its artifacts, each would be a finding."""
    if not sealed.lines and not any(one.sealed for one in stored):
        raise nothing_sealed(place.ledger)
    if place.sqlite is None:
        return
    here = place.artifacts.resolve()
    folders = [str(folder_of(one.run.info.artifact_uri) or "") for one in stored]
    if folders and not any(Path(folder).is_relative_to(here) for folder in folders):
        problem = f"its artifacts are said to lie at {folders[0].partition('/mlflow/artifacts')[0]}"
        raise TrackingError(f"{place.root.name}/mlflow", problem, "copy them here")


def locked(root: Path) -> dict[str, LockEntry]:
    """The entries of dvc.lock; none before the first run."""
    try:
        lock = read_lock(root / "dvc.lock") if (root / "dvc.lock").exists() else {}
        text = json.dumps(lock, ensure_ascii=False).encode()
        if b"\\u0000" not in text.replace(rb"\\", b""):  # the character, not a text that spells it
            return lock
        raise ValueError("a path that no file can have")
    except (ValueError, RecursionError) as error:
        step = "restore it with git checkout"
        raise TrackingError("dvc.lock", f"not a lock file ({type(error).__name__})", step) from None


def _gaps(place: Home) -> Iterator[amiss.Amiss]:
    """Whether the store keeps old values: the triggers are there, and those that were meant."""
    if is_kept(place):
        with answering(place.uri):
            for part, found in gaps(place):
                yield "trail", name_of(place), part, "a trigger of the trail", found


def _metrics(place: Home, stored: Mapping[str, Stored]) -> Iterator[amiss.Amiss]:
    """What lies in the store and MLflow shows otherwise; of a server that is all one sees."""
    if is_kept(place):
        with answering(place.uri):
            yield from amiss.of_metrics(odd_metrics(place), stored)


def _trail(place: Home) -> list[Change]:
    """What somebody changed in the store, oldest first."""
    if not is_kept(place):
        return []
    with answering(place.uri):
        return trail_of(place)


def _changed_tags(trail: Iterable[Change]) -> list[Tree]:
    """Tags of runs as they were before somebody changed or deleted them, oldest first."""
    pairs = [(one.before or "", one.after or "") for one in trail if one.place == "tags"]
    return [tag for pair in pairs for tag in before(*map(verifier.parsed, pair))]  # anybody may add a row


def _params(root: Path) -> dict[str, Any] | str:
    """By name; or why there are none."""
    try:
        return dict(leaves(load_params(root / "params.yaml").model_dump(mode="json")))
    except ParamsError as error:
        return str(error)


def _files(root: Path, lock: Mapping[str, LockEntry], records: list[Tree]) -> dict[str, str]:
    """What the stages of dvc.lock read and wrote, each file hashed once."""
    pairs = [verifier.made_by(stage, dict(entry), records) for stage, entry in lock.items()]
    paths = {
        one["path"]
        for _, record in pairs if record is not None
        for kind in ("deps", "outs") for one in record["lock"].get(kind, [])
    }  # fmt: skip
    return {as_text(path): one["sha256"] for path, one in sums(root, paths).items()}


def _cache(root: Path, entries: Iterable[LockEntry]) -> dict[str, list[str]]:
    """Objects that dvc.lock or a sealed run leads to: (the MD5 that names it, that of its content) by path.

    One that is not there (after `dvc gc`, in a fresh clone) is none: nothing can come of it.
    """
    files = cache_at(root)
    named = {out["md5"] for entry in entries for out in entry.get("outs", []) if "md5" in out}
    objects = sorted({name for name in _reachable(files, named) if object_at(files, name).exists()})
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = threads.map(lambda name: _md5(object_at(files, name)), objects)
        return {
            os.path.relpath(object_at(files, name), root): [name.removesuffix(FOLDER), md5]
            for name, md5 in zip(objects, found, strict=True)
        }


def _reachable(files: Path, names: Iterable[str]) -> Iterator[str]:
    """The objects, and those that a folder among them lists."""
    for name in names:
        yield name
        yield from listing(files, name).values()


def _md5(file: Path) -> str:
    if not file.is_file():
        return "no file"
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()


def _run(store: Store, stored: Stored, record: Tree | None) -> Tree:
    """A run of a stage, in the names and values that the stage gave: a store may have had to shorten them."""
    info, held = stored.run.info, content(store, stored)
    said = record["reported"] if record else {"params": {}, "tags": {}, "metrics": {}}
    return {
        "id": stored.id,
        "name": info.run_name,
        "start": info.start_time,
        "status": info.status,
        "lifecycle": "deleted" if stored.deleted else "active",
        "sealed": stored.sealed,
        "execution": stored.parent_id,
        "params": _as_said(held["params"], said["params"], limits.param),
        "tags": _as_said(held["tags"], said["tags"], limits.tag),
        "metrics": _named_as_said(
            {name: _curve(points) for name, points in held["metrics"].items()}, said["metrics"]
        ),
        "latest": _latest(stored.run.data.metrics, said["metrics"]),
        "datasets": _datasets(held["datasets"]),
        "artifacts": held["artifacts"],
        "models": held["models"],
    }


def _executions(
    store: Store, stored: Mapping[str, Stored], said: Mapping[str, Tree]
) -> Iterator[tuple[str, Tree]]:
    """The runs of executions by MLflow's name for them, in the names that their stages gave."""
    for parent, stages in by_execution(stored):
        held, name = execution(store, parent), str(parent.info.run_id)
        records = [record for key, record in said.items() if key in stages]  # as they were sealed
        known = [record["execution"] for record in records if record["execution"]]
        texts = known[0] if known else {"params": {}, "tags": {}}
        headline = {key for record in records for key in record["reported"]["headline"]}
        yield (
            name,
            {
                "params": _as_said(held["params"], texts["params"], limits.param),
                "tags": _as_said(held["tags"], texts["tags"], limits.tag),
                "artifacts": held["artifacts"],
                "latest": _latest(held["headline"], headline),
                "last": _latest(held["last"], headline),
                "more": held["more"],
            },
        )


def _datasets(held: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Digest and role by name; of several of one name all."""
    found = defaultdict[str, list[str]](list)
    for name, digest, role in held:
        found[name].append(f"{digest} {role}")
    return {name: ", ".join(texts) for name, texts in found.items()}


def _latest(held: Mapping[str, float], said: Iterable[str]) -> Tree:
    return _named_as_said({name: _number(value) for name, value in held.items()}, said)


def _curve(points: Iterable[tuple[int, float, int]]) -> list[list[Any]]:
    return [[step, _number(value), at] for step, value, at in points]


def _number(value: float) -> float | str:
    """JSON has no word for what is not finite, and no stage reports it. SQLite takes a text for a number."""
    return value if isinstance(value, int | float) and math.isfinite(value) else repr(value)


def _named_as_said(held: Mapping[str, Any], said: Iterable[str]) -> Tree:
    """A name that MLflow does not take, and that is there all the same, does not stand for what was said."""
    names = {limits.name(name): name for name in said}
    beside = {name: f"{name}, as MLflow never writes it" for name in names.values() - names.keys()}
    return {names.get(name, beside.get(name, name)): value for name, value in held.items()}


def _as_said(held: Mapping[str, str], said: Mapping[str, str], shortened: Any) -> dict[str, str]:
    named = _named_as_said(held, said)
    return {
        name: said[name] if name in said and shortened(said[name]) == value else value
        for name, value in named.items()
    }
