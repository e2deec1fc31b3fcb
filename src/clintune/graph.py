"""Which code each stage runs, read from the source: dvc.yaml lists it, and this keeps the list right.

DVC follows no imports. `python -m clintune.graph` (or `make graph`) reads them without running anything and
rewrites the code dependencies in dvc.yaml, and the table of sections in README.md, in place.
"""

import ast
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from clintune.errors import UserError
from clintune.files import whole_file

PACKAGES = {"clintune": PurePosixPath("src/clintune"), "pipeline": PurePosixPath("pipeline")}
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


class Source:
    """The project's own modules and package data, as they lie under `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._trees: dict[str, ast.Module] = {}
        self._found: dict[str, tuple[frozenset[str], frozenset[PurePosixPath]]] = {}

    @cached_property
    def modules(self) -> dict[str, PurePosixPath]:
        """Dotted name -> file below the root; a package is its __init__.py."""
        found = {}
        for package, folder in PACKAGES.items():
            for file in sorted((self._root / folder).rglob("*.py")):
                inside = PurePosixPath(file.relative_to(self._root / folder).as_posix())
                parts = inside.with_suffix("").parts
                found[".".join((package, *(part for part in parts if part != "__init__")))] = folder / inside
        return found

    @cached_property
    def package_data(self) -> list[PurePosixPath]:
        """Files of the packages that are not code."""
        files = (file for folder in PACKAGES.values() for file in (self._root / folder).rglob("*.*"))
        return sorted(
            PurePosixPath(file.relative_to(self._root).as_posix())
            for file in files
            if file.is_file() and file.suffix not in {".py", ".pyc"}
        )

    def closure(self, module: str) -> frozenset[str]:
        """The files that running `module` can read: all that it imports, however far, and their data.

        An import counts wherever it stands, but under `if TYPE_CHECKING`. A data file counts when a module
        beside or above it names it in a string.
        """
        seen: set[str] = set()
        waiting = [module]
        while waiting:
            name = waiting.pop()
            if name not in seen and name in self.modules:
                seen.add(name)
                waiting += [name.rpartition(".")[0], *self._reads(name)[0]]
        data = {file for name in seen for file in self._reads(name)[1]}
        return frozenset(str(file) for file in data.union(self.modules[name] for name in seen))

    def _reads(self, module: str) -> tuple[frozenset[str], frozenset[PurePosixPath]]:
        """What the module itself imports and the data that it names: most stages share most modules."""
        if module not in self._found:
            self._found[module] = frozenset(self.imports(module)), frozenset(self._data(module))
        return self._found[module]

    def imports(self, module: str) -> Iterator[str]:
        """Every absolute name that an import in the module can mean, modules or not."""
        for node in _running(self.tree(module)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                start = self._start(module, node)
                yield start
                yield from (f"{start}.{alias.name}" for alias in node.names)

    def _start(self, module: str, node: ast.ImportFrom) -> str:
        """The absolute name behind `from`."""
        if not node.level:
            return node.module or ""
        package = module if self.modules[module].name == "__init__.py" else module.rpartition(".")[0]
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        return ".".join([*above, node.module] if node.module else above)

    def _data(self, module: str) -> Iterator[PurePosixPath]:
        folder = self.modules[module].parent
        strings = {
            PurePosixPath(node.value).name
            for node in ast.walk(self.tree(module))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        yield from (f for f in self.package_data if f.name in strings and f.is_relative_to(folder))

    def tree(self, module: str) -> ast.Module:
        """The module's syntax tree. Raises SyntaxError with the file's name."""
        if module not in self._trees:
            file = self._root / self.modules[module]
            self._trees[module] = ast.parse(file.read_text(encoding="utf-8"), str(self.modules[module]))
        return self._trees[module]


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under `if TYPE_CHECKING`, which never run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield node
        yield from _running(node)


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
