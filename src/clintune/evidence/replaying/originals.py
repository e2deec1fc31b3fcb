"""Files as they were sealed, from wherever they still are: the working tree, DVC's cache, the commit."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

from clintune.evidence.git import blob
from clintune.evidence.objects import cache_at, listing, object_at
from clintune.evidence.replaying.target import Target
from clintune.files import sha256


class Originals:
    """What the stages of `target` read and wrote. What git alone has of it is written below `folder`."""

    def __init__(self, root: Path, target: Target, folder: Path) -> None:
        self._root, self._target, self._folder = root, target, folder

    def file(self, path: str, sealed: str) -> Path | None:
        """The one at `path` with this SHA-256; None where no place has it any more."""
        found = (one for one in self._places(path) if one.is_file() and sha256(one) == sealed)
        return next(found, None)

    def output(self, path: str) -> Path | None:
        """The same for what a stage wrote, whatever it was."""
        for record in self._target.records.values():
            if path in record["outputs"]:
                return self.file(path, record["outputs"][path]["sha256"])
        return None

    def _places(self, path: str) -> Iterator[Path]:
        """Where it may be. DVC is slow to open: only where the working tree has another."""
        yield self._root / path
        if path in self._cached:
            yield self._cached[path]
        content = blob(self._root, self._target.commit, path)
        if content is not None:
            copy = self._folder / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
            yield copy

    @cached_property
    def _cached(self) -> dict[str, Path]:
        """By path, the object of each file that dvc.lock leads to."""
        objects, found = cache_at(self._root), dict[str, Path]()
        for out in (out for entry in self._target.lock.values() for out in entry.get("outs", [])):
            md5 = out.get("md5", "")
            files = {out["path"]: md5} | {
                str(PurePosixPath(out["path"], name)): one for name, one in listing(objects, md5).items()
            }
            found |= {path: object_at(objects, one) for path, one in files.items()}
        return found
