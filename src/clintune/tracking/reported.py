"""What a run has reported, read back from its journal: what the store holds of it once that is sent."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from clintune.files import sha256
from clintune.sealing.canonical import digest
from clintune.tracking.journal import (
    Artifact,
    Dataset,
    Headline,
    Metrics,
    Model,
    Opened,
    Params,
    Pipeline,
    Tags,
    read,
)  # fmt: skip

_Value = TypeVar("_Value")

DESCRIPTION = "MLmodel"
"""The file of a model that says how it is loaded. The store completes it with ids, which no stage knows."""
_LOADED_BY = ("flavors", "signature", "saved_input_example_info")


def reported(folder: Path) -> dict[str, Any]:
    """As a tree of JSON's types: params, tags, metrics by step, datasets, SHA-256 of artifacts and models.

    Names and values are those of the run; a store may have to shorten them.
    """
    records = [record for record, _ in read(folder, 0)]
    return {
        "params": _merged(one.values for one in records if isinstance(one, Params)),
        "tags": _merged(
            one.tags if isinstance(one, Opened) else one.values
            for one in records if isinstance(one, Opened | Tags)
        ),
        "metrics": _history(one for one in records if isinstance(one, Metrics)),
        "headline": _merged(one.values for one in records if isinstance(one, Headline)),
        "datasets": [
            {"name": one.name, "digest": one.digest, "role": one.role, "profile": dict(one.profile)}
            for one in records if isinstance(one, Dataset)
        ],
        "artifacts": _merged(
            _files(folder / one.copy, one.folder) for one in records if isinstance(one, Artifact)
        ),
        "models": [_model(one, folder) for one in records if isinstance(one, Model)],
    }  # fmt: skip


def _merged(parts: Iterable[Mapping[str, _Value]]) -> dict[str, _Value]:
    """A later value replaces an earlier one."""
    return {key: value for part in parts for key, value in part.items()}


def _history(numbers: Iterable[Metrics]) -> dict[str, list[tuple[int, float, int]]]:
    """(step, value, time) by name, as they came."""
    found: dict[str, list[tuple[int, float, int]]] = defaultdict(list)
    for one in numbers:
        for name, value in one.values.items():
            found[name].append((one.step, value, one.at))
    return dict(found)


def _model(model: Model, folder: Path) -> dict[str, Any]:
    saved = folder / model.copy
    files = {**_files(saved, "", top=False), DESCRIPTION: description_sum(saved / DESCRIPTION)}
    return {
        "name": model.name, "tags": dict(model.tags), "description": model.description, "files": files
    }  # fmt: skip


def description_sum(file: Path) -> str:
    """SHA-256 of what a model's description says but ids and dates; of all of it where it is none."""
    try:
        tree = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
        return digest({key: tree.get(key) for key in _LOADED_BY})
    except (ValueError, TypeError, AttributeError, YAMLError):
        return sha256(file)


def execution(pipeline: Pipeline, folder: Path) -> dict[str, Any]:
    """The same of the execution that a stage belongs to, as far as the stage knows it."""
    files = folder / pipeline.files
    return {
        "process": pipeline.process, "name": pipeline.name, "params": dict(pipeline.params),
        "tags": dict(pipeline.tags), "artifacts": _files(files, "", top=False),
    }  # fmt: skip


def _files(copy: Path, folder: str, *, top: bool = True) -> dict[str, str]:
    """SHA-256 by path in the store, of a file or of all files of a folder; `top` is part of the path."""
    start = copy.parent if top else copy
    return {
        Path(folder, file.relative_to(start)).as_posix(): sha256(file)
        for file in sorted(_each(copy))
    }  # fmt: skip


def _each(copy: Path) -> Iterator[Path]:
    yield from [copy] if copy.is_file() else (file for file in copy.rglob("*") if file.is_file())
