"""Whether the environment is the one of requirements.lock."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from clintune.errors import UserError


def unlike_lock(root: Path) -> Iterator[tuple[str, str, str]]:
    """Name, version wanted, version found, for each package that is not as the lock files say.

    torch is pinned in pyproject.toml, without its build (`+cpu`). Packages that nobody asked for are let be.
    """
    for requirement in _locked(root):
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        wanted = str(requirement.specifier).removeprefix("==")
        found = _installed(requirement.name)
        if found.partition("+")[0] != wanted.partition("+")[0]:
            yield requirement.name, wanted, found


def _locked(root: Path) -> Iterator[Requirement]:
    try:
        lock = (root / "requirements.lock").read_text(encoding="utf-8")
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except FileNotFoundError as error:
        raise UserError(Path(error.filename).name, "no such file", "run from the project's folder") from None
    for line in re.findall(r"^[a-z0-9][^\\\n]*", lock, re.MULTILINE):
        yield Requirement(line.strip())
    yield from (one for one in map(Requirement, project["dependencies"]) if one.name == "torch")


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
