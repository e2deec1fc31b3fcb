"""sbom.cdx.json: CycloneDX 1.6. Every installed distribution, the model, its base model, the data."""

import json
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from clintune.evidence.declared import Words
from clintune.evidence.documents.model_part import model_card
from clintune.evidence.documents.moments import newest
from clintune.evidence.documents.naming import Names, model_name
from clintune.evidence.documents.parts import MODEL, data_sets, encoders, hashes, model_files, properties
from clintune.evidence.documents.quoting import LOCK, Quotes, commit_of, locked_hashes, plain_name
from clintune.evidence.subject import Record
from clintune.sealing.canonical import canonical

OWN = "clintune"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_OID, "clintune:sbom")


def bill_of_materials(
    records: Mapping[str, Record], quotes: Quotes, names: Names, declarations: Words
) -> dict[str, Any]:
    """The document. Its serial number is a hash of all the rest: the same materials, the same number."""
    data = data_sets(records, names)
    made_from = [*(encoders(records) if "train" in records else ()), *data]
    packages = [*_packages(records, quotes), *_pythons(records)]
    model = _model(records) | {"modelCard": model_card(records, quotes, declarations)}
    refs = [one["bom-ref"] for one in (*made_from, *packages)]
    bill: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": newest(records), "component": model},
        "components": [*made_from, *packages],
        "dependencies": [{"ref": MODEL, "dependsOn": sorted(refs)}],
        # What the operating system brings along (libc, drivers) is not in it.
        "compositions": [{"aggregate": "incomplete", "dependencies": [MODEL]}],
        "properties": properties({f"not-quoted:{path}": why for path, why in sorted(quotes.refused.items())}),
    }
    serial = uuid.uuid5(_NAMESPACE, canonical(bill).decode("utf-8"))
    return bill | {"serialNumber": f"urn:uuid:{serial}"}


def _model(records: Mapping[str, Record]) -> dict[str, Any]:
    """What stage export wrote, where it ran."""
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": MODEL,
        "name": model_name(records),
    }
    if "export" in records:
        outputs = records["export"]["outputs"]
        component["components"] = model_files(records["export"])
        component["hashes"] = [
            one for path in sorted(outputs) if path.endswith("/model.safetensors")
            for one in hashes(outputs[path]["sha256"])
        ]  # fmt: skip
    if commit := commit_of(records):
        component["pedigree"] = {"commits": [{"uid": commit}]}
    return component


def _packages(records: Mapping[str, Record], quotes: Quotes) -> list[dict[str, Any]]:
    """Each version of each distribution once, though stages may have run in several environments."""
    locked = locked_hashes(quotes.quoted[LOCK]) if LOCK in quotes.quoted else {}
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    for stage, record in records.items():
        for name, one in record["environment"]["distributions"].items():
            seen = found.setdefault((name, one["version"]), {"stages": set(), "lists": set()})
            seen["stages"].add(stage)
            seen["lists"].add(one["record_sha256"])
    return [
        _package(
            name, version, seen["lists"], sorted(seen["stages"]) if seen["stages"] != set(records) else []
        )
        | _allowed(locked.get((plain_name(name), version), []), name, version)
        for (name, version), seen in sorted(found.items())
    ]


def _package(name: str, version: str, lists: set[str], stages: list[str]) -> dict[str, Any]:
    said = {
        "record_sha256": " ".join(sorted(filter(None, lists))) or None,
        "only-in-stages": " ".join(stages) or None,
    }
    component = {"name": name, "version": version, "bom-ref": purl(name, version)}
    if name == OWN:  # no index has it
        return component | {"type": "application", "properties": properties(said)}
    return component | {"type": "library", "purl": component["bom-ref"], "properties": properties(said)}


def _allowed(sums: list[str], name: str, version: str) -> dict[str, Any]:
    """The files that requirements.lock allows for it: one of them was installed."""
    if not sums:
        return {}
    listed = [one for sha256 in sums for one in hashes(sha256)]
    comment = "the files that requirements.lock allows, one of which was installed"
    return {
        "externalReferences": [
            {"type": "distribution", "url": purl(name, version), "comment": comment, "hashes": listed}
        ]
    }


def purl(name: str, version: str) -> str:
    """The address of a distribution: https://github.com/package-url/purl-spec, type pypi."""
    return f"pkg:pypi/{quote(name.lower().replace('_', '-'))}@{quote(version)}"


def _pythons(records: Mapping[str, Record]) -> list[dict[str, Any]]:
    versions = sorted({record["environment"]["python"] for record in records.values()})
    return [
        {"type": "platform", "bom-ref": f"python-{one}", "name": "python", "version": one} for one in versions
    ]


def encoded(tree: Any) -> bytes:
    """JSON for a person too: sorted keys, two blanks, the same tree the same bytes."""
    text = json.dumps(tree, ensure_ascii=False, allow_nan=False, indent=2, sort_keys=True)
    return f"{text}\n".encode()
