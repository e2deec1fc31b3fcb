"""What a process tree opened and whom it called, read from strace's log."""

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CALLS = (
    "open,openat,openat2,creat,execve,execveat,clone,clone3,fork,vfork,mkdir,mkdirat,rename,renameat,"
    "renameat2,link,linkat,bind,connect,sendto,sendmsg,sendmmsg"
)
"""What has to be traced. With -y, so that a file descriptor carries the resolved path of its file."""

_LINE = re.compile(r"^(\d+) +(.*)$")
_UNFINISHED = re.compile(r"^(.*?) *<unfinished \.\.\.>$")
_RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+)(?:<(.*)>)?")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ADDRESS = re.compile(
    r"sa_family=AF_INET6?,.*?sin6?_port=htons\((\d+)\)"
    r'.*?(?:inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)")'
)
_SOCKET = re.compile(r'sa_family=AF_UNIX, sun_path=(@?"(?:[^"\\]|\\.)*")')
_SENT = re.compile(r'(?:iov_base=|^[^"{]*?, )"(?:[^"\\]|\\.)*"')
"""What is sent may look like an address, which stands in braces."""
_FLAG, _IN_BRACKETS = re.compile(r"\bO_\w+"), re.compile("<[^>]*>")
_FOLDER = re.compile(r"AT_FDCWD<([^>]*)>")
"""Where a process is, which each call says that takes a folder."""
_FORKS = {"clone", "clone3", "fork", "vfork"}
_STARTS = {"execve", "execveat"}
_MAKES = {"mkdir", "mkdirat"}
_MOVES = {"rename", "renameat", "renameat2", "link", "linkat"}
_OPENS = {"open", "openat", "openat2", "creat"}
_WRITES_ALL = ({"O_TRUNC"}, {"O_TMPFILE"}, {"O_CREAT", "O_EXCL"})
"""Ways to open a file of which nothing was there. O_EXCL alone says nothing of it."""
_GONE = " (deleted)"
"""So ends the path of a file that was taken away meanwhile."""


@dataclass(frozen=True, slots=True, order=True)
class Contact:
    """An address that was called, whether or not somebody answered.

    A socket of this machine has a path, or @ and a name, and no port: it counts where somebody answered.
    """

    host: str
    port: int | None = None

    def __str__(self) -> str:
        if self.port is None:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Calls:
    """Files that were opened to read and were there before, programs that were started, addresses called.

    `there` are those of `read` that were there for certain, whoever took them away later.
    """

    read: frozenset[str]
    programs: frozenset[str]
    contacts: frozenset[Contact]
    there: frozenset[str] = frozenset()


def calls_of(log: str, folder: Path) -> Calls:
    """Of all processes but git's and the sender's of records. `folder` is where the first one was started."""
    return _gathered((_Process.of(line) for line in _lines(log)), str(folder)).calls(folder)


def python_calls(heard: Iterable[list[Any]]) -> Calls:
    """The same of what an audit hook heard, which is what the interpreter itself opens."""
    found = _Gathered()
    for event, *arguments in heard:
        match event, arguments:
            case "open", [str() as path, int() as flags]:
                found.opened(path, _flags(flags))
            case (("os.mkdir" | "socket.bind"), [str() as path]):
                found.made.add(path)
            case (("os.rename" | "os.link"), [str() as before, str() as after]):
                found.moved(before, after)
            case (("socket.connect" | "socket.sendto"), [str() as host, int() | None as port]):
                found.called(Contact(host, port))
    return found.calls(Path())


def _flags(number: int) -> str:
    ways = {os.O_RDONLY: "O_RDONLY", os.O_WRONLY: "O_WRONLY", os.O_RDWR: "O_RDWR"}
    names = [ways[number & os.O_ACCMODE]]
    words = ("O_CREAT", "O_EXCL", "O_TRUNC", "O_TMPFILE", "O_DIRECTORY")
    names += [name for name in words if (value := getattr(os, name, 0)) and number & value == value]
    return "|".join(names)


@dataclass(frozen=True, slots=True)
class _Process:
    """One call of one process that came back; `place` is the path of the descriptor that it gave."""

    pid: str
    name: str
    arguments: str
    result: int
    place: str

    @classmethod
    def of(cls, line: tuple[str, str]) -> "_Process | None":
        pid, text = line
        found = _CALL.match(text)
        return cls(pid, found[1], found[2], int(found[3]), _plain(found[4] or "")) if found else None


def _lines(log: str) -> Iterator[tuple[str, str]]:
    """Process and call; one that strace wrote in two pieces is whole again."""
    begun: dict[str, str] = {}
    for line in log.splitlines():
        found = _LINE.match(line)
        if not found:
            continue
        pid, text = found.groups()
        if start := _UNFINISHED.match(text):
            begun[pid] = start[1]
        elif rest := _RESUMED.match(text):
            yield pid, begun.pop(pid, "") + rest[1]
        else:
            yield pid, text


class _Gathered:
    """What was seen so far, in the order in which it happened."""

    def __init__(self) -> None:
        self.read: dict[str, bool] = {}
        self.moves: dict[str, str] = {}
        self.made: set[str] = set()
        self.programs: set[str] = set()
        self.contacts: set[Contact] = set()

    def moved(self, before: str, after: str) -> None:
        """Under another name, as by a hard link, what others made is still what the stage was given."""
        before = self._first(before)
        if self._is_own(before):
            self.made.add(after)
        else:
            self.read.setdefault(before, True)
            self.moves[after] = before

    def opened(self, path: str, flags: str) -> None:
        """What the processes made themselves is nothing that they were given."""
        path, words = path.removesuffix(_GONE), set(_FLAG.findall(flags))
        if any(way <= words for way in _WRITES_ALL):
            self.made.add(path)
        elif not words & {"O_WRONLY", "O_DIRECTORY"} and not self._is_own(path):
            self.read.setdefault(self._first(path), "O_CREAT" not in words)

    def called(self, contact: Contact) -> None:
        """A socket that the processes made themselves is none of others."""
        if contact.port is not None or not self._is_own(contact.host):
            self.contacts.add(contact)

    def _first(self, path: str) -> str:
        """Where a file lay before it, or a folder above it, was moved."""
        for place in (Path(path), *Path(path).parents):
            if (before := self.moves.get(str(place))) is not None:
                return str(Path(before) / Path(path).relative_to(place))
        return path

    def _is_own(self, path: str) -> bool:
        return any(str(one) in self.made for one in (Path(path), *Path(path).parents))

    def calls(self, folder: Path) -> Calls:
        programs = frozenset(str(folder / name) for name in self.programs)
        there = frozenset(path for path, was_there in self.read.items() if was_there)
        return Calls(frozenset(self.read), programs, frozenset(self.contacts), there)


def _gathered(calls: Iterable[_Process | None], folder: str) -> _Gathered:
    """Two passes: a child's first calls may stand before the line that says whose child it is."""
    whole = [call for call in calls if call is not None]
    others, found, folders = _others(whole), _Gathered(), dict[str, str]()
    for call in whole:
        if named := _FOLDER.search(_TEXT.sub("", call.arguments)):
            folders[call.pid] = _plain(named[1])
        if call.pid not in others:
            _one(found, call, folders.get(call.pid, folder))
    return found


def _others(calls: Iterable[_Process]) -> set[str]:
    """The processes that are git or the sender of records, and all that those started.

    Of another program that somebody called `git`, what it read counts.
    """
    git, others = shutil.which("git"), set[str]()
    for call in calls:
        if call.name in _FORKS and call.result > 0 and call.pid in others:
            others.add(str(call.result))
        elif call.name in _STARTS and call.result == 0:
            texts = [_plain(text) for text in _TEXT.findall(call.arguments)]
            if texts[0] == git or texts == [sys.executable, texts[1], "-m", "clintune.tracking.sender"]:
                others.add(call.pid)
    return others


def _one(found: _Gathered, call: _Process, folder: str) -> None:
    if call.name in _OPENS and call.result >= 0 and call.place:
        flags = "O_WRONLY|O_TRUNC" if call.name == "creat" else _bare(call.arguments)
        found.opened(call.place, flags)
    elif call.name in _STARTS and call.result == 0:
        found.programs.add(_plain(_TEXT.findall(call.arguments)[0]))
    elif call.name in _MAKES and call.result == 0:
        found.made.add(_paths(call.arguments, folder)[-1])
    elif call.name in _MOVES and call.result == 0:
        found.moved(*_paths(call.arguments, folder)[:2])
    elif call.name in {"connect", "sendto", "sendmsg", "sendmmsg"}:
        arguments = _SENT.sub("", call.arguments)
        for port, four, six in _ADDRESS.findall(arguments):
            found.called(Contact(four or six, int(port)))
        for name in _SOCKET.findall(arguments) if call.result >= 0 else ():
            found.called(Contact(_socket(name)))
    elif call.name == "bind" and call.result == 0:
        found.made.update(map(_socket, _SOCKET.findall(call.arguments)))


def _socket(name: str) -> str:
    """Its path, or @ and its name where it has none."""
    return _plain(name.replace('"', "", 1).removesuffix('"'))


def _bare(arguments: str) -> str:
    """Without texts and paths."""
    return _IN_BRACKETS.sub("", _TEXT.sub("", arguments))


def _paths(arguments: str, folder: str) -> list[str]:
    """Of the call, each in the folder before it where it is relative, or in that of the process."""
    found = []
    for text in _TEXT.finditer(arguments):
        folders = re.findall(r"(?:AT_FDCWD|\d+)<([^>]*)>, *$", arguments[: text.start()])
        found.append(str(Path(_plain(folders[0]) if folders else folder, _plain(text[1]))))
    return found


_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)")
_NAMED: Mapping[bytes, bytes] = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}


def _plain(text: str) -> str:
    """A path as it is: strace writes bytes outside ASCII in octal."""

    def one(found: re.Match[bytes]) -> bytes:
        code = found[1]
        return bytes([int(code, 8) & 255]) if code[:1].isdigit() else _NAMED.get(code, code)

    return _ESCAPE.sub(one, text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
