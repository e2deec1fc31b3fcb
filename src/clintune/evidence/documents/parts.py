"""The model, what it was made from and the data, as components of a CycloneDX document."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from clintune.evidence.documents.naming import Names, encoder_name
from clintune.evidence.subject import Record
from clintune.examples import SPLITS

MODEL = "model"
"""The bom-ref of the model that all of it is about."""

_FILES = {
    "weights_sha256": "model.safetensors",
    "config_sha256": "config.json",
    "tokenizer_sha256": "tokenizer.json",
}


def hashes(sha256: str) -> list[dict[str, str]]:
    """Of a component."""
    return [{"alg": "SHA-256", "content": sha256}]


def properties(values: Mapping[str, object]) -> list[dict[str, str]]:
    """Names and values in our own namespace; those that are None say nothing."""
    return [
        {"name": f"clintune:{name}", "value": str(one)} for name, one in values.items() if one is not None
    ]


def file(name: str, sha256: str, ref: str) -> dict[str, Any]:
    """A file as a component."""
    return {"type": "file", "bom-ref": ref, "name": name, "hashes": hashes(sha256)}


def model_files(record: Record) -> list[dict[str, Any]]:
    """What stage export wrote: the parts of the model."""
    return [file(path, one["sha256"], f"{MODEL}/{path}") for path, one in sorted(record["outputs"].items())]


def encoders(records: Mapping[str, Record]) -> Iterator[dict[str, Any]]:
    """The base model, then its companions, each with its files."""
    model = dict(records["train"]["lock"]["params"]["params.yaml"]["model"])
    for number, one in enumerate([model, *model["companions"]]):
        yield _encoder(f"base-model-{number}", one, _made(one, records))


def _made(model: Mapping[str, Any], records: Mapping[str, Record]) -> dict[str, str]:
    """SHA-256 by name of the encoder's files: declared in params, or of what stage pretrain made."""
    if model["source"] != "pretrained":
        return {name: model[key] for key, name in _FILES.items() if model[key]}
    folder = f"{records['pretrain']['lock']['outs'][0]['path']}/{encoder_name(model)}"
    outputs = records["pretrain"]["outputs"]
    return {name: outputs[f"{folder}/{name}"]["sha256"] for name in sorted(_FILES.values())}


def _encoder(ref: str, model: Mapping[str, Any], sums: Mapping[str, str]) -> dict[str, Any]:
    weights = sums.get("model.safetensors")
    said = {
        "source": model["source"],
        "weights": None if weights else "none: random weights of another size",
        **{f"scratch.{key}": value for key, value in sorted((model["scratch"] or {}).items())},
    }
    component: dict[str, Any] = {
        "type": "machine-learning-model", "bom-ref": ref, "name": encoder_name(model),
        "properties": properties(said),
        "components": [file(name, one, f"{ref}/{name}") for name, one in sorted(sums.items())],
    }  # fmt: skip
    if weights:
        component["hashes"] = hashes(weights)
    if model["revision"]:
        component["version"] = model["revision"]
    return component


def data_sets(records: Mapping[str, Record], names: Names) -> list[dict[str, Any]]:
    """The files of the corpus and the tables of examples: hashes alone."""
    found = {
        names(path): one["sha256"]
        for stage in ("ingest", "preprocess") if stage in records
        for path, one in records[stage]["outputs"].items()
        if path in names.numbers or path.endswith(".parquet")
    }  # fmt: skip
    return [
        {
            "type": "data", "bom-ref": name, "name": name, "hashes": hashes(sha256),
            "data": [{"type": "dataset", "name": name}],
        }
        for name, sha256 in sorted(found.items())
    ]  # fmt: skip


def examples(records: Mapping[str, Record]) -> list[str]:
    """The refs of the tables that models learn from and are tested on."""
    outputs = records["preprocess"]["outputs"] if "preprocess" in records else {}
    return [path for path in sorted(outputs) if PurePosixPath(path).stem in SPLITS]
