"""declarations.yaml: what only people can say of data and model. Read, never written."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from clintune.errors import UserError
from clintune.yaml_lines import line_of

FILE = "declarations.yaml"


@dataclass(frozen=True, slots=True)
class Declarations:
    """The file's keys, and its SHA-256; empty where there is no file."""

    values: Mapping[str, Any]
    text: str
    sha256: str

    def declared(self, key: str) -> str | None:
        """What people say under a key; None where they say nothing. Raises UserError for other than text."""
        value = self.values.get(key)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if not isinstance(value, str):
            place = f"{FILE}:{line_of(self.text, [key])}: {key}"
            raise UserError(
                place, f"a text is due, not {type(value).__name__}", "put it in quotes, or after |"
            )
        return value


def read_declarations(root: Path) -> Declarations:
    """What the project has of it. Raises UserError for a file that is no mapping."""
    path = root / FILE
    if not path.exists():
        return Declarations({}, "", "")
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
        values = YAML(typ="safe", pure=True).load(text)
    except (OSError, ValueError, YAMLError) as error:
        raise UserError(
            FILE, f"cannot be read as YAML ({type(error).__name__})", "mend it, or remove it"
        ) from None
    if values is not None and not isinstance(values, Mapping):
        raise UserError(FILE, "keys with texts are due", "write `key: text`, one below the other")
    return Declarations(values or {}, text, hashlib.sha256(content).hexdigest())
