"""The content of a file as it was in a state, from wherever it still is: its hash says that it is the one."""

import hashlib
from pathlib import Path

from clintune.evidence.changes.states import State
from clintune.evidence.git import blob
from clintune.evidence.objects import cache_at, object_at


class Kept:
    """What the working tree, git and DVC's cache hold of a project's files."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._cache: Path | None = None

    def find(self, state: State, path: str) -> bytes | None:
        """None where no place has it any more, or where nothing says what it was."""
        md5, sha256 = state.md5(path), state.sha256(path)
        if md5 is None and sha256 is None:
            return None
        if (found := self.find_by(path, md5=md5, sha256=sha256, commits=state.commits)) is not None:
            return found
        return self._cached(md5, sha256) if md5 else None

    def find_by(
        self, path: str, *, md5: str | None, sha256: str | None, commits: tuple[str, ...]
    ) -> bytes | None:
        """The same by its hashes, in the working tree and in some commits."""
        here = self._root / path
        if here.is_file() and _is(content := here.read_bytes(), md5, sha256):
            return content
        for commit in commits:
            found = blob(self._root, commit, path)
            if found is not None and _is(found, md5, sha256):
                return found
        return None

    def _cached(self, md5: str, sha256: str | None) -> bytes | None:
        if self._cache is None:
            self._cache = cache_at(self._root)
        file = object_at(self._cache, md5)
        if not file.is_file():
            return None
        content = file.read_bytes()
        return content if _is(content, md5, sha256) else None


def _is(content: bytes, md5: str | None, sha256: str | None) -> bool:
    return (md5 is None or hashlib.md5(content, usedforsecurity=False).hexdigest() == md5) and (
        sha256 is None or hashlib.sha256(content).hexdigest() == sha256
    )
