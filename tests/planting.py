"""A project whose records carry identifiers everywhere, and the scan that looks where they went."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from markupsafe import escape

from tests.project import Project, make_project

Kind: TypeAlias = Literal["text", "id", "value"]
Planted: TypeAlias = Mapping[Kind, set[str]]

PEOPLE = {"north": "Zebedee Quillfeather", "river": "born 1948-03-01", "coast": "Ysolde Omara"}
"""What stands in the attribute `site` in place of a site."""

HIDDEN = {"evaluate": {"shareable": False}}
SHOWN = {"evaluate": {"shareable": True, "shown": 60}}

LEAVES_THE_HOUSE = (
    ".clintune", "dvc.lock", "data/bundle", "data/evaluation/report.html", "data/evaluation/metrics.json",
    "data/evaluation/plots",
)  # fmt: skip
"""What others get to see: the store and the spool, what git and DVC share, the model."""


def private_project(root: Path, **environment: str) -> Project:
    """As make_project, with PEOPLE in the records' attributes, whose records may not be shown."""
    project = make_project(root, HIDDEN, **environment)
    vocabulary = project.root / "src/clintune/sources/synthetic/vocabulary.yaml"
    named = re.sub(
        rf"\b({'|'.join(PEOPLE)}):", lambda site: f"{PEOPLE[site[1]]}:", vocabulary.read_text("utf-8")
    )
    vocabulary.write_text(named, encoding="utf-8")
    project.commit("people in the attributes")
    return project


def planted(project: Project) -> Planted:
    """What to look for: of the texts, pieces and the identifiers that identify (a date is everywhere)."""
    texts, ids, values = set[str](), set[str](), set[str]()
    for note in notes(project):
        texts |= {one["text"] for one in note["identifiers"] if one["kind"] != "date"}
        texts |= {line.strip()[:48] for line in note["text"].splitlines() if len(line.strip()) >= 30}
        ids |= {note["id"], note["group"]}
        values.add(note["attributes"]["site"])
    return {"text": {text for text in texts if len(text) >= 6}, "id": ids, "value": values}


def notes(project: Project) -> Iterator[dict[str, Any]]:
    """The records as they came in."""
    for file in sorted((project.root / "data/raw/files").iterdir()):
        with file.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def found(project: Project, places: Iterable[str], wanted: Planted) -> dict[Kind, set[tuple[str, str]]]:
    """What of it stands in a file at one of the places or below: (path in the project, what) by kind."""
    hits: dict[Kind, set[tuple[str, str]]] = {kind: set() for kind in wanted}
    for path in _files(project.root / place for place in places):
        content, name = path.read_bytes(), str(path.relative_to(project.root))
        for kind, words in wanted.items():
            hits[kind] |= {(name, word) for word in words if any(one in content for one in _spellings(word))}
    return hits


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        yield from [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.is_file())


def _spellings(word: str) -> set[bytes]:
    """As it stands in a plain file, in JSON, in HTML."""
    return {word.encode(), json.dumps(word)[1:-1].encode(), str(escape(word)).encode()}
