"""clintune use: set params.yaml from a recipe. Nothing that stands nowhere else is lost."""

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from clintune.errors import ParamsError, UserError
from clintune.evidence.git import is_as_committed
from clintune.files import whole_file
from clintune.params import Params, leaves, load_params
from clintune.recipes import recipe_file


@dataclass(frozen=True, slots=True)
class Change:
    """One key of params.yaml; None where it is absent (its section is null, or of another kind)."""

    key: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        return f"  {self.key}: {self.old or '(absent)'} -> {self.new or '(absent)'}"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What `use` did: the keys that changed, where the old file was kept, what to do next."""

    recipe: str
    changes: tuple[Change, ...]
    kept: str | None
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a person to read."""
        kept = [f"The params.yaml of before, in no commit, is kept as {self.kept}"] if self.kept else []
        head = f"params.yaml is the recipe {self.recipe}; keys changed: {len(self.changes)}"
        return [head, *map(str, self.changes), *kept, *self.notes]


def use(recipe: str, *, corpus: Path | None, root: Path) -> Chosen:
    """Write `root`/params.yaml. Raises UserError before anything is written."""
    target = root / "params.yaml"
    text = recipe_file(recipe).read_text(encoding="utf-8")
    if corpus is not None:
        text = _with_corpus(text, _stored(corpus, root))
    before, notes = _load_or_say(target)
    with whole_file(target) as draft:
        draft.write_text(text, encoding="utf-8")
        after = load_params(draft)
        kept = _keep(target, root)
    notes += _advice(after, root, recipe)
    return Chosen(recipe, tuple(_changes(before, after)), kept, tuple(notes))


def _stored(corpus: Path, root: Path) -> str:
    """Relative inside the repository, absolute outside: temporary experiments run in another folder."""
    if not corpus.exists():
        raise UserError("--corpus", f"{corpus} does not exist", "name the corpus, a file or a folder")
    found, home = corpus.resolve(), root.resolve()
    return found.relative_to(home).as_posix() if found.is_relative_to(home) else found.as_posix()


def _with_corpus(text: str, path: str) -> str:
    """The recipe with another `ingest.path`, to the letter the same elsewhere."""
    section = YAML().load(text)["ingest"]
    if section["source"] != "files":
        raise UserError("--corpus", "this recipe makes its own notes", "leave --corpus out")
    lines = text.splitlines(keepends=True)
    row, _ = section.lc.key("path")
    comment = re.search(r" +#.*", lines[row])
    scalar = (
        path if re.fullmatch(r"[\w./-]*[a-zA-Z/][\w./-]*", path) else json.dumps(path, ensure_ascii=False)
    )
    lines[row] = f"  path: {scalar}{comment[0] if comment else ''}\n"
    return "".join(lines)


def _load_or_say(target: Path) -> tuple[Params | None, list[str]]:
    try:
        return load_params(target), []
    except ParamsError as error:
        return None, [f"The params.yaml of before was not valid: {error}"]


def _keep(target: Path, root: Path) -> str | None:
    """A copy of a params.yaml that git does not hold; None where it does, or where there is none."""
    if not target.exists() or is_as_committed(root, target.name):
        return None
    content = target.read_bytes()
    copy = root / ".clintune" / "params" / f"{hashlib.sha256(content).hexdigest()[:12]}.yaml"
    with whole_file(copy) as draft:
        draft.write_bytes(content)
    return copy.relative_to(root).as_posix()


def _changes(before: Params | None, after: Params) -> Iterator[Change]:
    old = _texts(before) if before else {}
    new = _texts(after)
    for key in [*new, *(key for key in old if key not in new)]:
        if old.get(key) != new.get(key):
            yield Change(key, old.get(key), new.get(key))


def _texts(params: Params) -> dict[str, str]:
    every = leaves(params.model_dump(mode="json"))
    return {key: json.dumps(value, ensure_ascii=False) for key, value in every if value != {}}


def _advice(params: Params, root: Path, recipe: str) -> list[str]:
    path = Path(params.ingest.path)
    if not (root / path).exists():
        if params.ingest.source == "synthetic":
            return [f"{path} is missing: run from the project's folder"]
        again = f"clintune use {recipe} --corpus PATH"
        return [f"No corpus lies at {path}: put it there, or run {again}; params.yaml says which it is"]
    tracked = ["git", "-C", str(root), "ls-files", "--error-unmatch", str(path)]
    if path.is_absolute() or subprocess.run(tracked, check=False, capture_output=True).returncode == 0:
        return ["Next: clintune check, then dvc repro"]
    return [
        "Temporary experiments (dvc exp run --temp, --queue) see only what git or DVC tracks: "
        f"dvc add {path}, or keep the corpus outside the repository, where it is named by its absolute path",
        "Next: clintune check, then dvc repro",
    ]
