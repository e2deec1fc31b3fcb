"""What is wrong with params.yaml, in one line: where, which key, what was found, what was expected."""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from clintune.errors import ParamsError
from clintune.yaml_lines import line_of

LEFT_OUT_BY_DVC = frozenset({"size", "nfiles"})
"""Keys that its run cache takes for those of files, at any depth: runs that differ there alone are one."""


def parse_yaml(path: Path, text: str) -> Any:
    """What the YAML 1.2 text says. Raises ParamsError with the line."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ParamsError(
            f"{path}:{line}", f"not YAML: {error.problem or error.context}", "mend this line"
        ) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise ParamsError(
            str(path),
            f"not YAML: {str(error).splitlines()[0] if str(error) else error!r}",
            "mend the file, or restore it with git checkout",
        ) from None


def explain(path: Path, text: str, error: ValidationError, schema: type[BaseModel]) -> ParamsError:
    """One fault, in one line: where, which key, what was found, what was expected.

    An unknown key before any other: a missing one beside it is most likely what it should have been.
    """
    tree = parse_yaml(path, text)
    faults = error.errors(include_url=False)
    first = min(faults, key=lambda fault: fault["type"] != "extra_forbidden")
    if first["type"] == "literal_error":
        # Where a value may be of several kinds, each complains: the one that looked deepest knows best.
        above = _keys(first, tree)
        same = [fault for fault in faults if _keys(fault, tree)[: len(above)] == above]
        first = max(same, key=lambda fault: len(_keys(fault, tree)))
    keys = _keys(first, tree)
    # repr escapes what would break the line or the terminal.
    line, key = line_of(text, keys), repr(".".join(map(str, keys)))[1:-1] or "the whole file"
    place = f"{path}:{line}: {key}"
    match first["type"]:
        case "missing":
            return ParamsError(place, "missing", "add the key; the code holds no defaults")
        case "extra_forbidden":
            return ParamsError(place, "unknown key", _suggestion(keys, schema))
        case "value_error":
            return ParamsError(place, str(first["ctx"]["error"]), "change these keys together")
        case "model_type" | "dict_type" | "mapping_type":
            return ParamsError(place, f"found {_shown(first['input'])}", "it should be a section with keys")
        case "union_tag_invalid" | "union_tag_not_found":
            return ParamsError(
                place,
                f"{first['ctx']['discriminator']} does not say which kind it is",
                f"it should be {first['ctx'].get('expected_tags', 'given')}",
            )
        case _:
            found = f"found {_shown(first['input'])}"
            expected = first["msg"].replace("Input should", "it should").replace("valid tuple", "list")
            return ParamsError(place, found, expected)


def expect_told_apart(path: Path, text: str, tree: Any) -> None:
    """No key may have a name that DVC leaves out. Raises ParamsError with the line."""
    for keys in _places(tree):
        if keys[-1] in LEFT_OUT_BY_DVC:
            place = f"{path}:{line_of(text, keys)}: {'.'.join(map(str, keys))}"
            problem = f"DVC leaves {keys[-1]!r} out, and would restore what another value of it made"
            raise ParamsError(place, problem, "choose another name")


def _places(tree: Any, above: tuple[int | str, ...] = ()) -> Iterator[tuple[int | str, ...]]:
    match tree:
        case Mapping():
            inner = list(tree.items())
        case list():
            inner = list(enumerate(tree))
        case _:
            return
    for key, one in inner:
        yield (*above, key)
        yield from _places(one, (*above, key))


def _keys(fault: Mapping[str, Any], tree: Any) -> tuple[int | str, ...]:
    """Where in the file: pydantic also names the member of a union ('hash', 'file'), which no file has."""
    *above, last = fault["loc"] or ("",)
    keys: list[int | str] = []
    for key in (*above, last):
        try:
            tree = tree[key]
        except (KeyError, IndexError, TypeError):
            continue
        keys.append(key)
    return (*keys, last) if fault["type"] == "missing" else tuple(keys)


def _suggestion(keys: tuple[int | str, ...], schema: type[BaseModel]) -> str:
    sections = [schema]
    for key in keys[:-1]:
        if isinstance(key, str):
            fields = [section.model_fields[key] for section in sections if key in section.model_fields]
            # A name of the user's own, as below `pretrain`, is no field: what is known stays known.
            sections = [kind for field in fields for kind in _sections(field.annotation)] or sections
    names = [name for section in sections for name in section.model_fields]
    near = difflib.get_close_matches(str(keys[-1]), names, n=1)
    return f"did you mean {near[0]}?" if near else "remove it"


def _sections(annotation: Any) -> list[type[BaseModel]]:
    """The kinds of section that an annotation allows, through unions and lists."""
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [kind for inner in get_args(annotation) for kind in _sections(inner)]


def _shown(value: Any) -> str:
    kinds = {str: "text", bool: "boolean", int: "number", float: "number"}
    sections = {type(None): "nothing (null)", dict: "a section", list: "a list"}
    kind = type(value)
    # A section may be endless: YAML can repeat parts of itself by name.
    return f"{_spelt(value)[:40]!r} ({kinds[kind]})" if kind in kinds else sections.get(kind, kind.__name__)


def _spelt(value: Any) -> str:
    # Python spells no number of more than 4,300 decimal digits, and reads one where it is hexadecimal.
    try:
        return str(value)
    except ValueError:
        return hex(value)
