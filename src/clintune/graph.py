"""Which code each stage runs, read from the source: dvc.yaml lists it, and this keeps the list right.

DVC follows no imports. `python -m clintune.graph` (or `make graph`) reads them without running anything and
rewrites the code dependencies in dvc.yaml, and the table of sections in README.md, in place.
"""

import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from clintune.errors import UserError
from clintune.files import whole_file
from clintune.imports import PACKAGES, Source

TABLE = re.compile(r"(<!-- sections -->\n).*?(<!-- /sections -->)", re.DOTALL)


@dataclass(frozen=True)
class Stage:
    """What dvc.yaml says of one stage: `python -m script --name path …`, and what it reads and writes."""

    name: str
    script: str
    paths: Mapping[str, str]
    deps: tuple[str, ...]
    params: tuple[str, ...]
    outs: tuple[str, ...]

    @property
    def code(self) -> frozenset[str]:
        """The dependencies that are the project's own code."""
        return frozenset(dep for dep in self.deps if _is_code(dep))


def read_stages(root: Path) -> dict[str, Stage]:
    """The stages of dvc.yaml, in its order. Raises UserError where it is missing or of another shape."""
    pipeline = root / "dvc.yaml"
    try:
        tree = YAML(typ="safe", pure=True).load(pipeline.read_text(encoding="utf-8"))
        return {name: _stage(name, entry) for name, entry in tree["stages"].items()}
    except FileNotFoundError:
        raise UserError("dvc.yaml", "no such file", "run from the project's folder") from None
    except (YAMLError, TypeError, KeyError, ValueError, AttributeError) as error:
        problem = f"not the stages of this project ({type(error).__name__})"
        raise UserError("dvc.yaml", problem, "mend it, or restore it with git checkout") from None


def _stage(name: str, entry: Mapping[str, Any]) -> Stage:
    _python, _m, script, *arguments = shlex.split(entry["cmd"])
    names = [argument.removeprefix("--") for argument in arguments[::2]]
    outs = [out for kind in ("outs", "metrics", "plots") for out in _listed(entry, kind)]
    return Stage(
        name, script, dict(zip(names, arguments[1::2], strict=True)),
        tuple(_listed(entry, "deps")), tuple(_listed(entry, "params")), tuple(outs),
    )  # fmt: skip


def _listed(entry: Mapping[str, Any], kind: str) -> Iterator[str]:
    """An item is a name, or a name with options: `metrics.json: {cache: false}`."""
    for item in entry.get(kind, ()):
        yield item if isinstance(item, str) else next(iter(item))


def _is_code(path: str) -> bool:
    return any(PurePosixPath(path).is_relative_to(folder) for folder in PACKAGES.values())


def misdeclared(root: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Stage -> (code that it runs and dvc.yaml does not list, code that is listed and does not run)."""
    source = Source(root)
    found = {}
    for name, stage in read_stages(root).items():
        runs = source.closure(stage.script)
        if runs != stage.code:
            found[name] = (sorted(runs - stage.code), sorted(stage.code - runs))
    return found


def rewrite_pipeline(root: Path) -> None:
    """Put each stage's code into dvc.yaml; everything else stays, comments too."""
    file = root / "dvc.yaml"
    text = file.read_text(encoding="utf-8")
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 4096
    deeper = re.search(r"^( *)deps:\n\1 +- ", text, re.MULTILINE) is not None
    yaml.indent(mapping=2, sequence=4 if deeper else 2, offset=2 if deeper else 0)
    tree = yaml.load(text)
    for name, (missing, needless) in misdeclared(root).items():
        deps = tree["stages"][name]["deps"]
        for dep in needless:
            deps.remove(dep)
        for dep in missing:
            after = [place for place, other in enumerate(deps) if _is_code(other) and other > dep]
            deps.insert(after[0] if after else len(deps), dep)
    with whole_file(file) as draft:
        yaml.dump(tree, draft)


def section_table(root: Path, sections: list[str]) -> str:
    """A Markdown table: which section of params.yaml which stage reads, as dvc.yaml declares it."""
    stages = read_stages(root)
    rows = [["section", *(f"`{name}`" for name in stages)]]
    for section in sections:
        rows.append([f"`{section}`", *(_reads(stage, section) for stage in stages.values())])
    rows.insert(1, ["---", *(":-:" for _ in stages)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _reads(stage: Stage, section: str) -> str:
    """A tick for the whole section, the keys for a part of it."""
    if section in stage.params:
        return "✓"
    keys = [key.removeprefix(f"{section}.") for key in stage.params if key.startswith(f"{section}.")]
    keys += [key for dep in stage.deps for key in re.findall(rf"\$\{{{section}\.([\w.]+)\}}", dep)]
    return ", ".join(f"`{key}`" for key in sorted(set(keys)))


def rewrite_readmes(root: Path, sections: list[str]) -> None:
    """Put the table between its marks in each README, where there are any."""
    table = section_table(root, sections)
    for readme in sorted(root.glob("README*.md")):
        text = TABLE.sub(lambda marks: marks[1] + table + marks[2], readme.read_text(encoding="utf-8"))
        with whole_file(readme) as draft:
            draft.write_text(text, encoding="utf-8")


def main() -> None:
    """Rewrite dvc.yaml and README.md, and say what changed."""
    from clintune.params import Params

    root = Path()
    for name, (missing, needless) in misdeclared(root).items():
        sys.stdout.write("".join(f"{name}: + {dep}\n" for dep in missing))
        sys.stdout.write("".join(f"{name}: - {dep}\n" for dep in needless))
    rewrite_pipeline(root)
    rewrite_readmes(root, list(Params.model_fields))


if __name__ == "__main__":
    main()
