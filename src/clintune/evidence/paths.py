"""Paths of a project, as records name them."""

from collections.abc import Set
from pathlib import Path


def inside(path: str, folders: Set[str]) -> bool:
    """Whether it is one of them, or lies below one."""
    return any(str(one) in folders for one in (Path(path), *Path(path).parents))
