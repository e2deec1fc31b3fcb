"""One way to write a tree of JSON's types, and the hash that names it."""

import hashlib
import json
from typing import Any


def canonical(tree: Any) -> bytes:
    """JSON in UTF-8: keys sorted, no blanks, numbers as Python writes them; no NaN."""
    text = json.dumps(tree, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def digest(tree: Any) -> str:
    """SHA-256 of the canonical form, in hex."""
    return hashlib.sha256(canonical(tree)).hexdigest()
