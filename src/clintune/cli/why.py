"""clintune why: which key, line or file made a stage stale. DVC decides, the sealed records explain."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clintune.errors import UserError
from clintune.evidence.changes.staleness import Last
from clintune.evidence.paths import inside
from clintune.params import leaves
from clintune.tracking.home import Home


@dataclass(frozen=True, slots=True)
class Reasons:
    """Of each stage that DVC would run why, in words; `notes` are of packages, which DVC does not look at."""

    stale: Mapping[str, list[str]]
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a person."""
        found = [f"{stage}: {reason}" for stage, reasons in self.stale.items() for reason in reasons]
        return [*(found or ["Nothing is stale."]), *(f"note: {note}" for note in self.notes)]


def why(root: Path, home: Home, stage: str | None) -> Reasons:
    """For all stages, or for one: those that DVC would run have reasons, those up to date have none."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    last = Last(root, home)
    try:
        with Repo(str(root)) as repo:
            known = {one.addressing: one for one in repo.index.stages}
            if stage is not None and stage not in known:
                raise UserError("dvc.yaml", f"no stage is called {stage!r}", f"one of {', '.join(known)}")
            status: Mapping[str, list[Any]] = repo.status()
            found = {
                name: [reason for entry in entries for reason in _reasons(known[name], entry, last)]
                if last.ran(name) else ["it has never run here"]
                for name, entries in status.items()
            }  # fmt: skip
    except DvcException as error:
        raise UserError("dvc.yaml", f"DVC cannot read the pipeline ({error})", "mend it first") from None
    except (OSError, TypeError) as error:  # which DVC lets through: a date in params.yaml, a link to nothing
        raise UserError("dvc.yaml", f"DVC cannot read what it names ({error})", "mend that first") from None
    stale = _with_those_after(found, _before(known))
    return Reasons({name: stale[name] for name in stale if stage in (None, name)}, last.notes())


def _before(stages: Mapping[str, Any]) -> dict[str, list[str]]:
    """Of each stage those whose outputs it reads."""
    made = {name: {str(out) for out in one.outs} for name, one in stages.items()}
    read = {name: {str(dep) for dep in one.deps} for name, one in stages.items()}
    return {
        name: [maker for maker, outs in made.items() if any(inside(path, outs) for path in read[name])]
        for name in stages
    }


def _with_those_after(
    found: Mapping[str, list[str]], before: Mapping[str, list[str]]
) -> dict[str, list[str]]:
    """Also the stages that read what a stale one makes: they will run, if that comes out otherwise.

    `before` names the stages that each one reads from; the pipeline's order is that of its keys.
    """
    stale: dict[str, list[str]] = {}
    for name in before:
        makers = [maker for maker in before[name] if maker in stale]
        because = [f"because {', '.join(makers)} will run"] if makers else []
        if reasons := [*found.get(name, []), *because]:
            stale[name] = reasons
    return stale


def _reasons(stage: Any, entry: str | Mapping[str, Mapping[str, Any]], last: Last) -> Iterator[str]:
    """In words: DVC says a word, or kind -> file -> change, and the change per key for params."""
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
                if change == "modified":
                    yield from last.details(stage.addressing, file)


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
                yield f"{leaf} {_text(old.get(leaf))} -> {_text(new.get(leaf))}"


def _text(value: Any) -> str:
    """As JSON; in words where YAML knows a value that JSON does not."""
    return json.dumps(value, default=repr)
