"""clintune why: which key or file made a stage stale, as DVC sees it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from clintune.errors import UserError
from clintune.params import leaves


def why(root: Path, stage: str | None) -> dict[str, list[str]]:
    """Stage -> reasons, for the stages that DVC would run; nothing for those up to date."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            known = {one.addressing: one for one in repo.index.stages}
            if stage is not None and stage not in known:
                raise UserError("dvc.yaml", f"no stage is called {stage!r}", f"one of {', '.join(known)}")
            status: Mapping[str, list[Any]] = repo.status(targets=[stage] if stage else None)
            return {
                name: [reason for entry in entries for reason in _reasons(known[name], entry)]
                for name, entries in status.items()
            }
    except DvcException as error:
        raise UserError("dvc.yaml", f"DVC cannot read the pipeline ({error})", "mend it first") from None


def _reasons(stage: Any, entry: str | Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """One line per key or file: DVC says a word, or kind -> file -> change, the change per key for params."""
    if isinstance(entry, str):
        yield entry
        return
    for kind, changes in entry.items():
        what = kind.removeprefix("changed ").removesuffix("s")
        for file, change in changes.items():
            if isinstance(change, Mapping):
                yield from (f"{file}: {line}" for line in _keys(stage, file, change))
            else:
                yield f"{what} {file} {change}"


def _keys(stage: Any, file: str, change: Mapping[str, str]) -> Iterator[str]:
    """The leaves that differ: dvc.yaml names whole sections, and DVC says no more of them."""
    [dep] = [dep for dep in stage.deps if str(dep) == file and hasattr(dep, "read_params")]
    before, now = dep.hash_info.value or {}, dep.read_params()
    for key, how in change.items():
        if how != "modified":
            yield f"{key} {how}"
            continue
        old, new = (dict(leaves({key: values.get(key)})) for values in (before, now))
        for leaf in sorted(old.keys() | new.keys()):
            if old.get(leaf) != new.get(leaf):
                yield f"{leaf} {json.dumps(old.get(leaf))} -> {json.dumps(new.get(leaf))}"
