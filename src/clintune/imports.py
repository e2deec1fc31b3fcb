"""What the project's own code imports, and the data files that it names. Nothing of it runs for that."""

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

PACKAGES = {"clintune": PurePosixPath("src/clintune"), "pipeline": PurePosixPath("pipeline")}


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
