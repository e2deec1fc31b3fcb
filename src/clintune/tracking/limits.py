"""What MLflow takes: characters and lengths of names and values."""

import hashlib
import posixpath
import re
from collections.abc import Mapping

_ALLOWED = re.compile(r"[/\w.\- ]+")
_FORBIDDEN = re.compile(r"[^/\w.\- ]")
_MARK = 12


def name(text: str) -> str:
    """The name itself where MLflow takes it; else one that it takes, with a hash that keeps it unique."""
    from mlflow.utils.validation import MAX_ENTITY_KEY_LENGTH

    allowed = _ALLOWED.fullmatch(text) and posixpath.normpath(text) == text and text[0] not in "./"
    if allowed and len(text) <= MAX_ENTITY_KEY_LENGTH:
        return text
    mark = hashlib.sha256(text.encode()).hexdigest()[:_MARK]
    safe = _FORBIDDEN.sub("_", text).strip("/. ")
    return f"{safe[: MAX_ENTITY_KEY_LENGTH - _MARK - 1]}.{mark}"


def param(text: str) -> str:
    """The value itself, or its hash: a shortened one could be taken for the whole."""
    from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH

    if len(text) <= MAX_PARAM_VAL_LENGTH:
        return text
    return f"{len(text)} characters, sha256 {hashlib.sha256(text.encode()).hexdigest()}"


def tag(text: str) -> str:
    """The value itself, or its beginning, marked as such."""
    from mlflow.utils.validation import MAX_TAG_VAL_LENGTH

    if len(text) <= MAX_TAG_VAL_LENGTH:
        return text
    return text[: MAX_TAG_VAL_LENGTH - 1] + "…"


def params(values: Mapping[str, str]) -> dict[str, str]:
    """By names and with values that it takes."""
    return {name(key): param(value) for key, value in values.items()}


def tags(values: Mapping[str, str]) -> dict[str, str]:
    """The same of tags."""
    return {name(key): tag(value) for key, value in values.items()}
