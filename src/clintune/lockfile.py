"""dvc.lock: what DVC writes of a stage, computed inside the running stage, and the hashes that name it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from clintune.errors import TrackingError
from clintune.params_faults import LEFT_OUT_BY_DVC

LockEntry: TypeAlias = Mapping[str, Any]
"""One stage of dvc.lock: cmd, deps, params, outs."""


def entry_sha256(entry: LockEntry) -> str:
    """The name of a lock entry: DVC's own run-cache value (dvc.stage.cache, sizes left out)."""
    return _sha256(_without_sizes(entry))


def inputs_sha256(entry: LockEntry) -> str:
    """The name of what a stage was made from: DVC's run-cache key (paths of outputs, not their hashes)."""
    entry = _without_sizes(entry)
    return _sha256({**entry, "outs": [out["path"] for out in entry.get("outs", [])]})


def _sha256(tree: Any) -> str:
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()


def _without_sizes(tree: Any) -> Any:
    match tree:
        case Mapping():
            return {key: _without_sizes(one) for key, one in tree.items() if key not in LEFT_OUT_BY_DVC}
        case list():
            return [_without_sizes(one) for one in tree]
        case _:
            return tree


def is_code(path: str) -> bool:
    """Whether a dependency is the project's own code, not data that the stage works on."""
    return path.startswith(("src/", "pipeline/"))


def read_lock(path: Path) -> dict[str, LockEntry]:
    """The entries of a dvc.lock by stage. Raises TrackingError where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TrackingError(
            str(path), "no such file", "run dvc repro first, in the folder with dvc.yaml"
        ) from None
    except (OSError, ValueError) as error:
        raise _no_lock(str(path), error) from None
    return parse_lock(text, place=str(path))


def parse_lock(text: str, *, place: str) -> dict[str, LockEntry]:
    """The same of its text. `place` is where to look if that is none."""
    try:
        stages = dict(YAML(typ="safe", pure=True).load(text)["stages"])
        json.dumps(stages, allow_nan=False)  # DVC writes no dates, and the hashes of entries are of JSON
        files = (entry.get(kind, []) for entry in stages.values() for kind in ("deps", "outs"))
        texts = [one[key] for part in files for one in part for key in ("path", "md5")]
        texts += [entry["cmd"] for entry in stages.values()]
        if not all(isinstance(one, str) and one for one in texts):
            raise ValueError("no command, or a file without a hash")
        if not all(isinstance(one, dict) for entry in stages.values() for one in _params(entry)):
            raise TypeError("params that are none")
        return stages
    except (ValueError, TypeError, KeyError, AttributeError, YAMLError, RecursionError) as error:
        raise _no_lock(place, error) from None


def _params(entry: LockEntry) -> list[Any]:
    return list(entry.get("params", {}).values())


def _no_lock(place: str, error: Exception) -> TrackingError:
    return TrackingError(place, f"not a lock file ({type(error).__name__})", "restore it with git checkout")


class RunningStage:
    """The stage that DVC is running now, seen from inside."""

    def __init__(self, stage: Any) -> None:
        self._stage = stage

    def inputs(self) -> LockEntry:
        """Command, dependencies and params as they are now; outputs by path."""
        self._stage.save_deps()
        entry = self._entry()
        return {**entry, "outs": [{"path": out["path"]} for out in entry.get("outs", [])]}

    def outcome(self) -> LockEntry:
        """What DVC is going to write to dvc.lock, once the stage has written its last output."""
        self._stage.save_deps()
        self._stage.save_outs()
        return self._entry()

    def _entry(self) -> dict[str, Any]:
        from dvc.stage.serialize import to_single_stage_lockfile

        plain: dict[str, Any] = json.loads(json.dumps(to_single_stage_lockfile(self._stage)))
        return plain


@contextmanager
def running_stage(address: str) -> Iterator[RunningStage]:
    """The stage that DVC calls `address` (DVC_STAGE), read from the tree in the working folder.

    Not from DVC_ROOT: a temporary experiment runs in a copy.
    """
    from dvc.repo import Repo

    file, _, name = address.rpartition(":")
    with Repo(".") as repo:
        yield RunningStage(repo.stage.load_one(file or "dvc.yaml", name))


def cache_folder(root: Path) -> Path:
    """Where DVC keeps the objects of its local cache, by the MD5 of their content."""
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        return Path(repo.cache.local.path)
