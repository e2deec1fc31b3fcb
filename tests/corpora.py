"""Small corpora of our own, sections of params for them, and where the real ones lie."""

import os
from pathlib import Path

import pytest

from clintune.examples import Record, Spans
from clintune.params import Conll, Ingest, Preprocess, SplitByFile, SplitByHash, Table
from clintune.sources.readers import READERS

HASH = SplitByHash(by="hash", train=0.5, validation=0.25, test=0.25)
CONLL = Conll(scheme="iob2", separator="tab", token=0, tag=1, joiner=" ")


def by_file(train="train*", validation="dev*", test="test*"):
    return SplitByFile(by="file", train=train, validation=validation, test=test)


def reading(format_, *, split=HASH, labels=None, max_quarantined=0.0, **conll):
    columns = Conll(**CONLL.model_dump() | conll) if format_ == "conll" else None
    return Preprocess(
        format=format_, conll=columns, table=None, split=split, labels=labels or {},
        max_quarantined=max_quarantined,
    )  # fmt: skip


def table_section(format_="csv", *, split=HASH, labels=None, max_quarantined=1.0, **columns):
    """For tables; `columns` changes keys of `preprocess.table`."""
    table = {"header": True, "text": "text", "target": ("label",), "id": None, "group": None,
             "attributes": (), "strip": False} | columns  # fmt: skip
    return Preprocess(
        format=format_, conll=None, table=Table(**table), split=split, labels=labels or {},
        max_quarantined=max_quarantined,
    )  # fmt: skip


def files_at(path, *, include=("*",), sha256=None):
    return Ingest(source="files", path=str(path), include=include, sha256=sha256 or {}, synthetic=None)


def write(folder, files):
    """Write {name: text or bytes} below `folder`."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return folder


def read(folder, format_, **conll) -> list[Record[Spans]]:
    return list(READERS[format_](folder, reading(format_, **conll)))


def said(record):
    """The text at each span, pieces of a discontinuous one apart."""
    text = record.example.text
    for span in record.example.target:
        edges = [span.start, *(edge for gap in span.gaps for edge in gap), span.end]
        yield [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]


def find_corpus(path) -> Path | None:
    """A real corpus, in the folder that CLINTUNE_CORPORA names: none of them is part of this repository."""
    named = os.environ.get("CLINTUNE_CORPORA")
    found = Path(named).resolve() / path if named else None
    return found if found is not None and found.exists() else None


def real_corpus(path) -> Path:
    """The same, or a skip."""
    found = find_corpus(path)
    if found is None:
        pytest.skip(
            f"no corpus: export CLINTUNE_CORPORA=FOLDER, where FOLDER/{path} is it, and run this again"
        )
    return found
