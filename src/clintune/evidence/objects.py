"""DVC's cache: objects named by the MD5 of their content, folders by that of a listing."""

import json
from collections.abc import Mapping
from pathlib import Path

FOLDER = ".dir"
"""What the name of a listing ends with."""


def object_at(files: Path, md5: str) -> Path:
    """Where the cache at `files` keeps an object, there or not."""
    return files / md5[:2] / md5[2:]


def listing(files: Path, md5: str) -> Mapping[str, str]:
    """By path in a folder, the MD5 of each file; nothing where the object is no listing, or is not there."""
    file = object_at(files, md5)
    if not md5.endswith(FOLDER) or not file.is_file():
        return {}
    try:
        return {one["relpath"]: one["md5"] for one in json.loads(file.read_bytes())}
    except (ValueError, TypeError, KeyError):
        return {}  # its own hash is wrong, and verification says so
