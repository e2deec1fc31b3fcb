"""SHA-256 of whatever a stage reads and writes."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypedDict

from clintune.files import sha256


class Sum(TypedDict):
    """Of one file."""

    sha256: str
    size: int


def sums(root: Path, paths: Iterable[str]) -> dict[str, Sum]:
    """By path: of each file among `paths`, and of each file below a folder among them.

    Paths are below `root`, or absolute. What is not there has no sum.
    """
    files = sorted({file for path in paths for file in _files(root, path)})
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # hashlib lets go of the interpreter
        return dict(zip(files, threads.map(lambda file: _sum(root / file), files), strict=True))


def _files(root: Path, path: str) -> Iterator[str]:
    place = root / path
    if place.is_file():
        yield path
    elif place.is_dir():
        for folder, _, names in os.walk(place):
            inside = Path(folder).relative_to(place)
            whole = (name for name in names if Path(folder, name).is_file())  # no pipe, no link to nothing
            yield from ((Path(path) / inside / name).as_posix() for name in whole)


def _sum(file: Path) -> Sum:
    return {"sha256": sha256(file), "size": file.stat().st_size}
