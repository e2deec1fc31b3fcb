"""Files as they were sealed, from wherever they still are: the working tree, DVC's cache, the commit."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from clintune.evidence.git import blob
from clintune.evidence.objects import listing, object_at
from clintune.evidence.replaying.target import Target
from clintune.files import sha256
from clintune.lockfile import cache_folder


class Originals:
    """What the stages of `target` read and wrote. What git alone has of it is written below `folder`."""

    def __init__(self, root: Path, target: Target, folder: Path) -> None:
        self._root, self._target, self._folder = root, target, folder
        self._objects = cache_folder(root)
        self._md5 = dict(self._named())

    def file(self, path: str, sealed: str) -> Path | None:
        """The one at `path` with this SHA-256; None where no place has it any more."""
        places = [self._root / path]
        if path in self._md5:
            places.append(object_at(self._objects, self._md5[path]))
        for place in places:
            if place.is_file() and sha256(place) == sealed:
                return place
        return self._committed(path, sealed)

    def output(self, path: str) -> Path | None:
        """The same for what a stage wrote, whatever it was."""
        for record in self._target.records.values():
            if path in record["outputs"]:
                return self.file(path, record["outputs"][path]["sha256"])
        return None

    def _named(self) -> Iterator[tuple[str, str]]:
        """(path, MD5) of each file that dvc.lock leads to."""
        for entry in self._target.lock.values():
            for out in entry.get("outs", []):
                yield out["path"], out.get("md5", "")
                for name, md5 in listing(self._objects, out.get("md5", "")).items():
                    yield str(PurePosixPath(out["path"], name)), md5

    def _committed(self, path: str, sealed: str) -> Path | None:
        content = blob(self._root, self._target.commit, path)
        if content is None:
            return None
        copy = self._folder / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
        return copy if sha256(copy) == sealed else None
