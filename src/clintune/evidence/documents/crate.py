"""ro-crate-metadata.json: RO-Crate 1.1 as a Process Run Crate 0.5. One action per stage.

https://www.researchobject.org/ro-crate/1.1 and https://www.researchobject.org/workflow-run-crate/profiles
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from clintune.evidence.declared import Words
from clintune.evidence.documents.moments import newest, written
from clintune.evidence.documents.naming import Names, model_name, params_of, text_of
from clintune.evidence.subject import Record
from clintune.lockfile import is_code
from clintune.sealing.hashing import Sum

METADATA = "ro-crate-metadata.json"
CRATE, PROCESS = "https://w3id.org/ro/crate/1.1", "https://w3id.org/ro/wfrun/process/0.5"
CONTEXT = [f"{CRATE}/context", {"sha256": "https://schema.org/sha256"}]

_FORMATS = {
    ".json": "application/json", ".jsonl": "application/x-ndjson", ".md": "text/markdown",
    ".html": "text/html", ".py": "text/x-python", ".csv": "text/csv", ".yaml": "application/yaml",
    ".parquet": "application/vnd.apache.parquet",
}  # fmt: skip

Entity = dict[str, Any]


def crate(
    records: Mapping[str, Record], names: Names, declarations: Words, files: Mapping[str, Sum]
) -> dict[str, Any]:
    """The crate of a pack with these `files`. Files of the project that lie elsewhere are named by hash."""
    actions = {stage: list(_action(record, names)) for stage, record in records.items()}
    entities = [
        {"@id": METADATA, "@type": "CreativeWork", "conformsTo": _ref(CRATE), "about": _ref("./")},
        _root(records, declarations, files, [action[0]["@id"] for action in actions.values()]),
        {"@id": PROCESS, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        *(_file(path, path, one) for path, one in sorted(files.items())),
        *(entity for action in actions.values() for entity in action),
        *_elsewhere(records, names),
    ]
    unique = {entity["@id"]: entity for entity in entities}
    return {"@context": CONTEXT, "@graph": list(unique.values())}


def _root(
    records: Mapping[str, Record], declarations: Words, files: Iterable[str], actions: Iterable[str]
) -> Entity:
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Evidence of {model_name(records)}",
        "description": "How a model came about: what each stage of the pipeline read and wrote, by hash.",
        "datePublished": newest(records),
        "license": declarations.declared("licence") or "MISSING: declarations.yaml declares no licence",
        "conformsTo": _ref(PROCESS),
        "hasPart": [_ref(path) for path in sorted(files)],
        "mentions": [_ref(action) for action in actions],
    }


def _action(record: Record, names: Names) -> Iterator[Entity]:
    """The action, its params and its script. Who ran it is left out: the ledger's record says it."""
    stage, code = record["stage"], record["code"]
    params = [
        {"@id": f"#{quote(f'{stage}/{key}')}", "@type": "PropertyValue", "name": key, "value": _value(value)}
        for key, value in params_of(record).items()
    ]
    script = _script(record)
    yield {
        "@id": f"#{quote(record['run'])}",
        "@type": "CreateAction",
        "name": stage,
        "description": f"Stage {stage} of the pipeline: {record['lock']['cmd']}",
        "startTime": written(record["started"]),
        "actionStatus": "http://schema.org/CompletedActionStatus",
        "instrument": _ref(script["@id"]),
        "object": [*_refs(_data(record["inputs"]), names), *(_ref(one["@id"]) for one in params)],
        "result": _refs(record["outputs"], names),
    }
    yield {**script, "version": code["commit"] if code else "no commit was sealed"}
    yield from params


def _script(record: Record) -> Entity:
    """The module that the command runs (`python -m pipeline.train …`), else the command itself."""
    words = record["lock"]["cmd"].split()
    module = words[2] if words[:2] == ["python", "-m"] else ""
    path = f"{module.replace('.', '/')}.py"
    if path not in record["inputs"]:
        return {
            "@id": f"#{quote(record['stage'])}",
            "@type": "SoftwareApplication",
            "name": record["lock"]["cmd"],
        }
    return {
        "@id": f"#{quote(path)}", "@type": "SoftwareSourceCode", "name": path,
        "programmingLanguage": "Python", "sha256": record["inputs"][path]["sha256"],
    }  # fmt: skip


def _elsewhere(records: Mapping[str, Record], names: Names) -> Iterator[Entity]:
    for record in records.values():
        for path, one in (*_data(record["inputs"]).items(), *record["outputs"].items()):
            yield _file(_id(names(path)), names(path), one)


def _data(inputs: Mapping[str, Sum]) -> dict[str, Sum]:
    """Code is named by its commit; the attestations list its files."""
    return {path: one for path, one in inputs.items() if not is_code(path)}


def _file(id_: str, name: str, one: Sum) -> Entity:
    entity: Entity = {
        "@id": id_, "@type": "File", "name": name, "contentSize": str(one["size"]), "sha256": one["sha256"],
    }  # fmt: skip
    suffix = PurePosixPath(name).suffix
    return entity | ({"encodingFormat": _FORMATS[suffix]} if suffix in _FORMATS else {})


def _refs(paths: Iterable[str], names: Names) -> list[dict[str, str]]:
    return [_ref(_id(name)) for name in sorted(names(path) for path in paths)]


def _id(name: str) -> str:
    """A file that is not in the pack."""
    return f"#{quote(name)}"


def _ref(id_: str) -> dict[str, str]:
    return {"@id": id_}


def _value(value: Any) -> Any:
    """Numbers and truths as they are."""
    return value if isinstance(value, int | float) else text_of(value)
