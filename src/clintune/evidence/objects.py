"""DVC's cache: objects named by the MD5 of their content, folders by that of a listing."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from clintune.errors import TrackingError
from clintune.lockfile import cache_folder

FOLDER = ".dir"
"""What the name of a listing ends with."""
_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")


def cache_at(root: Path) -> Path:
    """Where DVC keeps the objects. Raises TrackingError where DVC cannot say so."""
    from dvc.exceptions import DvcException

    try:
        return cache_folder(root)
    except DvcException as error:
        raise TrackingError(".dvc", f"DVC cannot open its project ({error})", "restore .dvc/config") from None


def object_at(files: Path, md5: str) -> Path:
    """Where the cache at `files` keeps an object, there or not."""
    return files / md5[:2] / md5[2:]


def listing(files: Path, md5: str) -> Mapping[str, str]:
    """By path in a folder, the MD5 of each file; nothing where the object is no listing, or is not there."""
    file = object_at(files, md5)
    if not md5.endswith(FOLDER) or not file.is_file():
        return {}
    try:
        named = {str(one["relpath"]): str(one["md5"]) for one in json.loads(file.read_bytes())}
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}  # its own hash is wrong, and verification says so
    return {path: one for path, one in named.items() if _MD5.fullmatch(one)}
