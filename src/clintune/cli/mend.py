"""clintune mend: what DVC writes in place and a kill left half written, made whole again."""

import json
from collections.abc import Iterator, Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from clintune.errors import UserError
from clintune.evidence.verification.sealed import ledger_in
from clintune.files import whole_file
from clintune.lockfile import LockEntry
from clintune.sealing.record import KIND
from clintune.tracking.home import Home

_RWLOCK = ".dvc/tmp/rwlock"
_ENTRY = ("cmd", "deps", "params", "outs")
_ITEM = ("path", "hash", "md5", "size", "nfiles", "isexec")
"""DVC's own order of keys, so that git shows no line that did not change."""


def mend(root: Path, place: Home) -> Iterator[str]:
    """Say what was mended; nothing where all is whole, or was never there."""
    yield from _mend_lock(root, place)
    file = root / _RWLOCK
    if file.exists() and not _is_json(file):
        yield from _forget_locks(file)


def _forget_locks(file: Path) -> Iterator[str]:
    """Take away DVC's list of who works on which file, where its writer died: DVC stops at half of one.

    Whoever writes it holds its guard, so that half a list under the guard is that of a dead process.
    """
    from dvc.lock import make_lock

    with make_lock(f"{file}.lock", tmp_dir=str(file.parent)):
        if file.exists() and not _is_json(file):
            file.unlink()
            yield f"{_RWLOCK} was torn, as by a kill: taken away, for DVC makes it anew"


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except ValueError:
        return False
    return True


def _mend_lock(root: Path, place: Home) -> Iterator[str]:
    """Each stage gets the entry that was sealed of its last run; the torn file is kept.

    DVC compares an entry with what lies there before it relies on it.
    """
    file = root / "dvc.lock"
    if not file.is_file() or _is_whole(file, place):
        return
    if b"\n<<<<<<< " in b"\n" + file.read_bytes():
        step = "take one side (git checkout --ours dvc.lock, or --theirs), then dvc repro"
        raise UserError("dvc.lock", "two versions of it, which git could not merge", step)
    entries = _sealed(place)
    place.root.mkdir(parents=True, exist_ok=True)
    kept = _free(place.root / "dvc.lock.torn")
    kept.write_bytes(file.read_bytes())
    if entries:
        _write(file, entries, like=_params(root / "params.yaml"))
        how = "made anew from the sealed records"
    else:
        file.unlink()
        how = "taken away, for nothing was sealed to mend it from"
    yield f"dvc.lock was torn, as by a kill: {how}; as it was: {place.root.name}/{kept.name}"


def _free(file: Path) -> Path:
    """Where no earlier half lies."""
    names = (file.with_name(f"{file.name}.{number}") for number in count(2))
    return next(one for one in chain([file], names) if not one.exists())


def _params(file: Path) -> Mapping[str, Any]:
    """For the order of their keys alone: none where they are damaged, too."""
    try:
        found = YAML(typ="safe", pure=True).load(file)
    except (OSError, ValueError, YAMLError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _is_whole(file: Path, place: Home) -> bool:
    """A file that was cut off may still be YAML: then something that it names has no hash, or no outputs.

    A stage that writes nothing is a user's own: of those that were sealed there is none.
    """
    try:
        stages = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))["stages"]
        without = {stage for stage, entry in stages.items() if _is_entry(entry) and not entry.get("outs")}
        return all(map(_is_entry, stages.values())) and not (without and without & _sealed(place).keys())
    except (OSError, ValueError, TypeError, KeyError, AttributeError, YAMLError, RecursionError):
        return False


def _is_entry(entry: Any) -> bool:
    """Whether each thing that it names has something that tells it from others, as a rule its MD5."""
    if not isinstance(entry, Mapping) or "cmd" not in entry:
        return False
    items = [*entry.get("deps", []), *entry.get("outs", [])]
    return all(_is_item(one) for one in items)


def _is_item(item: Any) -> bool:
    """DVC's hash is there, or what the server of an address says: its etag, its checksum."""
    marks = item.keys() - {"path", "hash", "size", "nfiles", "isexec"}
    is_text = isinstance(item.get("md5", ""), str)  # the first digits may look like a number
    return "path" in item and bool(marks) and is_text and None not in item.values()


def _sealed(place: Home) -> dict[str, LockEntry]:
    """By stage, the entry of its last run."""
    return {record["stage"]: record["lock"] for _, record in ledger_in(place.ledger).of_kind(KIND)}


def _write(file: Path, entries: Mapping[str, LockEntry], *, like: Mapping[str, Any]) -> None:
    stages = {stage: _as_dvc_writes(entry, like) for stage, entry in entries.items()}
    with whole_file(file) as draft:
        YAML().dump({"schema": "2.0", "stages": stages}, draft)


def _as_dvc_writes(entry: LockEntry, params: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: entry[key] for key in _ENTRY if key in entry}
    for kind in ("deps", "outs"):
        if kind in found:
            found[kind] = [{key: one[key] for key in _ITEM if key in one} for one in found[kind]]
    if "params" in found:
        found["params"] = {
            file: {key: _in_order(value, params.get(key)) for key, value in values.items()}
            for file, values in found["params"].items()
        }
    return found


def _in_order(value: Any, like: Any) -> Any:
    """The same tree with its keys in the order of another; a record has them sorted."""
    if not isinstance(value, Mapping) or not isinstance(like, Mapping):
        return value
    keys = [key for key in like if key in value] + [key for key in value if key not in like]
    return {key: _in_order(value[key], like.get(key)) for key in keys}
