"""Runs a module as a program, and writes down which environment variables it read, and where.

python recorder.py OUT CALLS MODULE [ARGUMENT ...]: it runs as a file and imports nothing of the project, for
the module has to find the code of the copy that it runs in. With CALLS = calls, the files and addresses that
Python opens are written down too, for where there is no strace.
"""

import dis
import json
import os
import runpy
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

_LONGEST, _SITES = 32, 2
_BELOW_ENVIRON = (os.__file__, "<frozen os>", "<frozen _collections_abc>", __file__)


class Recorder:
    """The names that were read; of those that the project's own code reads, the words beside the reading.

    A word that a variable is compared with stands, as a rule, in the function that reads it, and near: the
    nearest are first.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self.read: dict[str, list[str] | None] = {}
        self.calls: list[list[Any]] = []

    def note(self, name: str | bytes, frame: FrameType | None) -> None:
        """`frame` is that which asked os.environ."""
        while frame is not None and frame.f_code.co_filename.startswith(_BELOW_ENVIRON):
            frame = frame.f_back
        text = os.fsdecode(name)
        words, sites = list[str](), 0
        while frame is not None and sites < _SITES and self._is_own(frame.f_code):
            words += _words_beside(frame.f_code, frame.f_lineno)
            frame, sites = frame.f_back, sites + 1
        known = self.read.setdefault(text, None)
        if sites:
            self.read[text] = [word for word in dict.fromkeys((*(known or ()), *words)) if word != text]

    def _is_own(self, code: CodeType) -> bool:
        return code.co_filename.startswith(f"{self.root}/")

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook."""
        if event == "open" and isinstance(arguments[0], str | bytes):
            self.calls.append([event, os.path.realpath(os.fsdecode(arguments[0])), arguments[2]])
        elif event in {"socket.connect", "socket.sendto"} and isinstance(arguments[1], tuple):
            self.calls.append([event, *arguments[1][:2]])
        elif event.startswith("socket.") and len(arguments) > 1 and isinstance(arguments[1], str | bytes):
            name = os.fsdecode(arguments[1]).replace("\0", "@", 1)
            self.calls.append([event, name, *([] if event == "socket.bind" else [None])])
        elif event == "os.mkdir" and not Path(os.fsdecode(arguments[0])).exists():
            self.calls.append([event, os.path.realpath(os.fsdecode(arguments[0]))])
        elif event in {"os.rename", "os.link"}:
            self.calls.append([event, *(os.path.realpath(os.fsdecode(one)) for one in arguments[:2])])


def _words_beside(code: CodeType, line: int) -> list[str]:
    found = [
        (abs(_line(one, line) - line), word)
        for one in dis.get_instructions(code) if one.opname == "LOAD_CONST" for word in _words((one.argval,))
    ]  # fmt: skip
    return [word for _, word in sorted(found)]


def _line(instruction: dis.Instruction, otherwise: int) -> int:
    return (instruction.positions and instruction.positions.lineno) or otherwise


def _words(constants: tuple[Any, ...]) -> Iterator[str]:
    for one in constants:
        if isinstance(one, tuple | frozenset):
            yield from _words(tuple(one))
        elif isinstance(one, str) and 0 < len(one) <= _LONGEST and one.isprintable() and " " not in one:
            yield one


def watch(recorder: Recorder) -> None:
    """Note each variable that is asked for by name from now on; to list them all is no reading of one."""
    kind: Any = type(os.environ)
    ask: Any = kind.__getitem__

    def reading(self: Mapping[Any, Any], name: Any) -> Any:
        frame = sys._getframe(1)
        if frame.f_code.co_name not in {"__iter__", "copy"}:
            recorder.note(name, frame)
        return ask(self, name)

    kind.__getitem__ = reading


def main(out: str, calls: str, module: str, *arguments: str) -> None:
    """Run the module; what it read is written however it ends."""
    recorder = Recorder(str(Path.cwd()))
    watch(recorder)
    if calls == "calls":
        sys.addaudithook(recorder.hear)
    sys.argv, sys.path[0] = [module, *arguments], recorder.root
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        noted = {"variables": dict(recorder.read), "calls": list(recorder.calls)}
        Path(out).write_text(json.dumps(noted, sort_keys=True), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
