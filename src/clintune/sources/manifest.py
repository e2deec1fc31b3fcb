"""The manifest of data/raw: which files were brought in, and their SHA-256 sums."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from clintune.errors import SourceError
from clintune.files import read_json, sha256, write_json

_AGAIN = "bring the corpus in again: dvc repro --force ingest"


@dataclass(frozen=True, slots=True)
class FileSum:
    """Bytes of a file, counted and summed."""

    sha256: str
    size: int


def write_manifest(raw: Path) -> Mapping[str, FileSum]:
    """Sum up raw/files into raw/manifest.json, by path below raw/files."""
    sums = {
        path.relative_to(raw / "files").as_posix(): FileSum(sha256(path), path.stat().st_size)
        for path in (raw / "files").rglob("*")
        if path.is_file()
    }
    write_json(raw / "manifest.json", {"files": {name: asdict(one) for name, one in sums.items()}})
    return sums


def verify_manifest(raw: Path) -> None:
    """Compare every byte of raw/files with raw/manifest.json. Raises SourceError for the first difference."""
    try:
        sums: Mapping[str, Mapping[str, str | int]] = read_json(raw / "manifest.json")["files"]
    except FileNotFoundError:
        raise SourceError(str(raw / "manifest.json"), "missing", _AGAIN) from None
    except (ValueError, KeyError, TypeError):
        raise SourceError(str(raw / "manifest.json"), "not what ingest wrote", _AGAIN) from None
    found = {
        path.relative_to(raw / "files").as_posix() for path in (raw / "files").rglob("*") if not path.is_dir()
    }
    for name in sorted(found | set(sums)):
        place = str(raw / "files" / name)
        if name not in found:
            raise SourceError(place, "missing, though manifest.json names it", _AGAIN)
        if name not in sums:
            raise SourceError(place, "not in manifest.json", _AGAIN)
        if sha256(raw / "files" / name) != sums[name]["sha256"]:
            raise SourceError(place, "its bytes are not those that were brought in (SHA-256)", _AGAIN)
