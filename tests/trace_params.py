"""Run a stage and write down which leaves of params.yaml its code looked at.

python -m tests.trace_params OUT MODULE [ARGUMENT ...]
"""

import json
import runpy
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pipeline  # noqa: F401  puts this tree's src/ first
from clintune import params
from clintune.params import Section


def leaves(section: Section, prefix: str) -> set[str]:
    """Dotted names of everything below a section."""
    found: set[str] = set()
    for name in type(section).model_fields:
        value = object.__getattribute__(section, "__dict__")[name]
        below = leaves(value, f"{prefix}{name}.") if isinstance(value, Section) else {prefix + name}
        found |= below
    return found


def recording(frame: FrameType | None) -> bool:
    """Whether tracking is what looks: what a run records is not what the stage computes with."""
    while frame is not None and not {"clintune", "pipeline"} & set(Path(frame.f_code.co_filename).parts[-3:]):
        frame = frame.f_back
    return frame is not None and Path(frame.f_code.co_filename).parent.name == "tracking"


def watch(tree: params.Params, seen: set[str]) -> None:
    """Record each attribute that is read from now on; dumping a section reads all of it."""
    names: dict[int, str] = {}

    def note(section: Section, prefix: str) -> None:
        names[id(section)] = prefix
        for name, value in section.__dict__.items():
            if isinstance(value, Section):
                note(value, f"{prefix}{name}.")

    def reading(self: Section, name: str) -> Any:
        value = object.__getattribute__(self, name)
        prefix = None if recording(sys._getframe(1)) else names.get(id(self))
        if prefix is not None and name in type(self).model_fields and not isinstance(value, Section):
            seen.add(prefix + name)
        if prefix is not None and name == "model_dump":
            seen.update(leaves(self, prefix))
        return value

    note(tree, "")
    Section.__getattribute__ = reading  # type: ignore[method-assign]


def main(out: str, module: str, *arguments: str) -> None:
    """Patch the loader of params, run the module as a program, and write the names."""
    seen: set[str] = set()
    load = params.load_params

    def load_and_watch(path: Path) -> params.Params:
        tree = load(path)
        watch(tree, seen)
        return tree

    params.load_params = load_and_watch
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__")
    finally:
        Path(out).write_text(json.dumps(sorted(seen)))


if __name__ == "__main__":
    main(*sys.argv[1:])
