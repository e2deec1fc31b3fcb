"""All documents of a pack, by their path in it."""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from clintune.evidence.declared import Words
from clintune.evidence.documents.attestation import attestation
from clintune.evidence.documents.crate import METADATA, crate
from clintune.evidence.documents.datasheet import datasheet
from clintune.evidence.documents.materials import bill_of_materials, encoded
from clintune.evidence.documents.naming import Names
from clintune.evidence.documents.quoting import MODEL_CARD, Quotes
from clintune.evidence.subject import Subject
from clintune.sealing.hashing import Sum

_NOTHING: Mapping[str, Sum] = MappingProxyType({})


def documents(subject: Subject, *, beside: Mapping[str, Sum] = _NOTHING) -> dict[str, bytes]:
    """The same subject, the same bytes. The crate also speaks of the pack's files `beside` these, by path.

    Raises UserError where declarations.yaml is not what it should be.
    """
    records = subject.records
    quotes, names = Quotes.of(subject), Names.of(records)
    declarations = Words.of(subject.root)
    found = {
        f"attestations/{stage}.intoto.json": encoded(attestation(record, names))
        for stage, record in records.items()
    }
    found["sbom.cdx.json"] = encoded(bill_of_materials(records, quotes, names, declarations))
    found["datasheet.md"] = datasheet(records, quotes, names, declarations).encode("utf-8")
    if MODEL_CARD in quotes.quoted:
        found["model_card.md"] = quotes.quoted[MODEL_CARD]
    files = {**beside, **{path: _sum(content) for path, content in found.items()}}
    found[METADATA] = encoded(crate(records, names, declarations, files))
    return found


def _sum(content: bytes) -> Sum:
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
