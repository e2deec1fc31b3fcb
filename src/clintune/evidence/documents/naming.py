"""What files and params are called in documents that leave the house.

Files of a corpus are often named after people, and so may the params be that point to them. They get a
running number, in the order of their hashes, which says nothing of the names; the ledger keeps the names.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from clintune.evidence.paths import inside
from clintune.evidence.subject import Record
from clintune.lockfile import is_code
from clintune.params import leaves

NOT_SHOWN = "not shown: may be named after a person"

_OF_THE_CORPUS = ("ingest.path", "ingest.include", "ingest.sha256", "preprocess.split.train",
                  "preprocess.split.validation", "preprocess.split.test")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Names:
    """A name for every file that a record speaks of."""

    numbers: Mapping[str, int]

    @classmethod
    def of(cls, records: Mapping[str, Record]) -> "Names":
        """Shown: the project's code, and what its stages named. All else came from outside."""
        outs = {out["path"] for record in records.values() for out in record["lock"].get("outs", [])}
        raw = {
            f"{out['path']}/files"
            for stage, record in records.items() if stage == "ingest"
            for out in record["lock"]["outs"]
        }  # fmt: skip
        sums = {
            path: one["sha256"]
            for record in records.values() for side in ("inputs", "outputs")
            for path, one in record[side].items()
            if not is_code(path) and (inside(path, raw) or not inside(path, outs))
        }  # fmt: skip
        order = sorted(sums, key=lambda path: (sums[path], path))
        return cls({path: number for number, path in enumerate(order, start=1)})

    def __call__(self, path: str) -> str:
        """Its path, or its number."""
        return f"corpus file {self.numbers[path]}" if path in self.numbers else path


def params_of(record: Record) -> dict[str, Any]:
    """The params of a stage by dotted name; those of another file than params.yaml with its name before."""
    return dict(sorted(_params(record)))


def _params(record: Record) -> Iterator[tuple[str, Any]]:
    for file, values in record["lock"].get("params", {}).items():
        flat = dict(leaves(values))
        folder = flat.get("model.source") in ("folder", "pretrained")
        for key, value in flat.items():
            if file != "params.yaml":
                yield f"{file}:{key}", value
            elif key.startswith(_OF_THE_CORPUS):
                yield _shown(key, value)
            elif key == "model.name" and folder:
                yield key, PurePosixPath(value).name
            elif key == "model.companions":
                yield key, [{**one, "name": encoder_name(one)} for one in value]
            else:
                yield key, value


def _shown(key: str, value: Any) -> tuple[str, Any]:
    """Shares of a split, the pattern for all files, a path of the project's own and nothing name nobody."""
    if not isinstance(value, str | list | dict) or value in ([], {}, ["*"]):
        return key, value
    if isinstance(value, str) and is_code(value):
        return key, value
    return next(name for name in _OF_THE_CORPUS if key.startswith(name)), NOT_SHOWN


def text_of(value: Any) -> str:
    """A param as tracked runs have it: a text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def encoder_name(model: Mapping[str, Any]) -> str:
    """What an encoder is called; the path of a folder is of one machine."""
    name: str = model["name"]
    return PurePosixPath(name).name if model["source"] in ("folder", "pretrained") else name


def model_name(records: Mapping[str, Record]) -> str:
    """What the model is called outside; `model` where nothing was exported."""
    return str(params_of(records["export"])["export.name"]) if "export" in records else "model"
