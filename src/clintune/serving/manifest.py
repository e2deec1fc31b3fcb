"""bundle.json: what a bundle is, and the SHA-256 of every file in it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from clintune.checkpoints import Outputs
from clintune.errors import BundleError
from clintune.files import sha256, whole_file, write_json

MANIFEST = "bundle.json"
FORMAT = 1
_RESTORE = "restore the bundle, for example with dvc checkout or from where it was copied"
_UNSEALED = "0" * 64


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts about a bundle; `batch_tokens` as in the comparison that it passed at export.

    `files` are all others in the folder, by name. `versions` are those of the libraries that made and
    checked it.
    """

    name: str
    outputs: Outputs
    batch_tokens: int
    versions: Mapping[str, str]
    files: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read bundle.json and compare every file with its sum.

        Raises BundleError at the first difference.
        """
        content = _unsealed(folder / MANIFEST)
        outputs = Outputs.of(content)
        for name, declared in content["files"].items():
            _check(folder / name, declared)
        return cls(content["name"], outputs, content["batch_tokens"], content["versions"], content["files"])


def seal(
    folder: Path, *, name: str, outputs: Outputs, batch_tokens: int, versions: Mapping[str, str]
) -> None:
    """Write bundle.json over what lies in `folder`. It carries its own sum too, over its other bytes."""
    path = folder / MANIFEST
    path.unlink(missing_ok=True)
    content = {
        "format": FORMAT,
        "name": name,
        **outputs.content(),
        "batch_tokens": batch_tokens,
        "versions": dict(versions),
        "files": {file.name: sha256(file) for file in sorted(folder.iterdir())},
        "sha256": _UNSEALED,
    }
    write_json(path, content)
    unsealed = path.read_text(encoding="utf-8")
    with whole_file(path) as draft:
        draft.write_text(unsealed.replace(_UNSEALED, _sum(unsealed)), encoding="utf-8", newline="\n")


def _unsealed(path: Path) -> dict[str, Any]:
    """The content of bundle.json if not one byte of it has changed."""
    try:
        text = path.read_bytes().decode("utf-8")
        content: dict[str, Any] = json.loads(text)
        sealed, version = content["sha256"], content["format"]
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(str(path), "no such file", "name a folder that export wrote") from None
    except (ValueError, KeyError, TypeError):
        raise BundleError(str(path), "is no description of a bundle", _RESTORE) from None
    if not isinstance(sealed, str) or _sum(text.replace(sealed, _UNSEALED)) != sealed:
        raise BundleError(str(path), "is not as it was written: its own SHA-256 differs", _RESTORE)
    if version != FORMAT:
        problem = f"has format {version}; this version of clintune reads {FORMAT}"
        raise BundleError(str(path), problem, "install the version of clintune that wrote it")
    return content


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _check(path: Path, declared: str) -> None:
    if not path.is_file():
        raise BundleError(str(path), f"no such file, and {MANIFEST} lists it", _RESTORE)
    found = sha256(path)
    if found != declared:
        raise BundleError(str(path), f"has SHA-256 {found}, {MANIFEST} declares {declared}", _RESTORE)
