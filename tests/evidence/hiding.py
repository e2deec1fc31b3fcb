"""Inputs that nobody declared, to plant in a stage: files, variables, sockets, each read in another way."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.project import Project

STAGES = ("ingest", "preprocess", "pretrain", "tokenize", "train", "evaluate", "export")
MADE = {
    "ingest": "data/raw", "preprocess": "data/examples", "pretrain": "data/pretrained",
    "tokenize": "data/windows", "train": "data/checkpoint", "evaluate": "data/evaluation/plots",
    "export": "data/bundle",
}  # fmt: skip
"""A folder that the stage makes: a variable is planted by what it adds there."""


@dataclass(frozen=True)
class Plant:
    """`what` a trace has to name. `code` is run before the stage's work; `adds` is an expression; where it
    gives something after the work, that is one more output."""

    kind: str
    what: str
    code: str = ""
    adds: str = ""


@dataclass(frozen=True)
class Ground:
    """Where to plant. `environment` is what the user has set."""

    project: Project
    outside: Path
    dice: random.Random
    environment: dict[str, str]

    def name(self, word: str) -> str:
        return f"{word}{self.dice.randrange(10**6)}"

    def inner(self, suffix: str = "txt") -> str:
        """A new file of the project."""
        folder = self.dice.choice(["notes", "data", "src/clintune", "docs", ".", "pipeline"])
        path = Path(folder, f"{self.name('list')}.{suffix}")
        (self.project.root / path).parent.mkdir(exist_ok=True)
        (self.project.root / path).write_text("1 = 1\n")
        return str(path)

    def outer(self) -> str:
        """A new file that lies elsewhere."""
        path = self.outside / f"{self.name('shared')}.txt"
        path.write_text("1\n")
        return str(path)

    def port(self) -> int:
        return self.dice.randrange(20000, 30000)


def opened(ground: Ground) -> Plant:
    name = ground.inner()
    return Plant("file", name, f"open({name!r}).read()")


def opened_elsewhere(ground: Ground) -> Plant:
    name = ground.outer()
    return Plant("file", name, f"Path({name!r}).read_text()")


def opened_by_native_code(ground: Ground) -> Plant:
    name = ground.inner()
    return Plant("file", name, f"assert ctypes.CDLL(None).open({name.encode()!r}, 0) > 0")


def opened_by_a_database(ground: Ground) -> Plant:
    import sqlite3
    from contextlib import closing

    name = ground.inner("db")
    (ground.project.root / name).unlink()
    with closing(sqlite3.connect(ground.project.root / name)) as store, store:
        store.execute("CREATE TABLE words (word TEXT)")
    return Plant("file", name, f"sqlite3.connect({name!r}).execute('SELECT * FROM words').fetchall()")


def opened_by_another_program(ground: Ground) -> Plant:
    name = ground.inner()
    return Plant("file", name, f"subprocess.run(['cat', {name!r}], capture_output=True, check=True)")


def mapped(ground: Ground) -> Plant:
    name = ground.outer()
    return Plant("file", name, f"mmap.mmap(os.open({name!r}, os.O_RDONLY), 1, prot=mmap.PROT_READ)[:]")


def imported(ground: Ground) -> Plant:
    name = ground.name("rules")
    (ground.project.root / f"{name}.py").write_text("LIMIT = 1\n")
    return Plant("file", f"{name}.py", f"importlib.import_module({name!r})")


def through_a_link(ground: Ground) -> Plant:
    name, link = ground.outer(), ground.name("link")
    (ground.project.root / link).symlink_to(name)
    return Plant("file", name, f"open({link!r}).read()")


def from_another_folder(ground: Ground) -> Plant:
    name = ground.inner()
    folder, file = str(Path(name).parent), Path(name).name
    code = f"subprocess.run(['sh', '-c', 'read line < {file}'], cwd={folder!r}, check=True)"
    return Plant("file", name, code)


def opened_exclusively(ground: Ground) -> Plant:
    """As a file that is made is opened; of one that is there the flag says nothing."""
    name = ground.inner()
    return Plant("file", name, f"os.read(os.open({name!r}, os.O_RDONLY | os.O_EXCL), 1)")


def in_a_folder_that_is_moved(ground: Ground) -> Plant:
    folder = ground.name("lists")
    (ground.project.root / folder).mkdir()
    (ground.project.root / folder / "list.txt").write_text("1")
    there, back = f"os.rename({folder!r}, 'moved')", f"os.rename('moved', {folder!r})"
    return Plant("file", f"{folder}/list.txt", f"{there}; open('moved/list.txt').read(); {back}")


def of_git(ground: Ground) -> Plant:
    return Plant("file", ".git/HEAD", "Path('.git/HEAD').read_text()")


FILES: tuple[Callable[[Ground], Plant], ...] = (
    opened, opened_elsewhere, opened_by_native_code, opened_by_a_database, opened_by_another_program, mapped,
    imported, through_a_link, from_another_folder, opened_exclusively, in_a_folder_that_is_moved,
)  # fmt: skip


def present(ground: Ground) -> Plant:
    name = ground.name("HAS_")
    return Plant("variable", name, adds=f"{name!r} in os.environ")


def compared(ground: Ground) -> Plant:
    name = ground.name("MODE_")
    return Plant("variable", name, adds=f"os.environ.get({name!r}, 'slow') == 'fast'")


def counted(ground: Ground) -> Plant:
    name, default = ground.name("LIMIT_"), ground.dice.choice(["1", "2", "0.5"])
    return Plant("variable", name, adds=f"float(os.getenv({name!r}, {default!r})) != {default}")


def in_bytes(ground: Ground) -> Plant:
    name = ground.name("RAW_")
    return Plant("variable", name, adds=f"os.environb.get({name.encode()!r})")


def set_and_needed(ground: Ground) -> Plant:
    name = ground.name("SITE_")
    ground.environment[name] = "north"
    return Plant("variable", name, adds=f"os.environ[{name!r}] != 'north'")


def set_and_read_by_native_code(ground: Ground) -> Plant:
    name = ground.name("NATIVE_")
    ground.environment[name] = "1"
    return Plant("variable", name, adds=f"not ctypes.CDLL(None).getenv({name.encode()!r})")


def set_and_read_by_a_shell(ground: Ground) -> Plant:
    name = ground.name("SHELL_")
    ground.environment[name] = "yes"
    return Plant(
        "variable", name, adds=f"subprocess.run(['sh', '-c', 'test -z \"${name}\"']).returncode == 0"
    )


def time_zone(ground: Ground) -> Plant:
    return Plant("variable", "TZ", adds="time.localtime(0).tm_hour > 12")


VARIABLES: tuple[Callable[[Ground], Plant], ...] = (
    present, compared, counted, in_bytes, set_and_needed, set_and_read_by_native_code,
    set_and_read_by_a_shell,
)  # fmt: skip


def connected(ground: Ground) -> Plant:
    port = ground.port()
    return Plant("network", f"127.0.0.1:{port}", f"socket.socket().connect_ex(('127.0.0.1', {port}))")


def sent(ground: Ground) -> Plant:
    port = ground.port()
    code = f"socket.socket(type=socket.SOCK_DGRAM).sendto(b'?', ('127.0.0.2', {port}))"
    return Plant("network", f"127.0.0.2:{port}", code)


def sent_as_a_message(ground: Ground) -> Plant:
    port = ground.port()
    code = f"socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'?'], [], 0, ('127.0.0.3', {port}))"
    return Plant("network", f"127.0.0.3:{port}", code)


def connected_by_ipv6(ground: Ground) -> Plant:
    port = ground.port()
    return Plant("network", f"[::1]:{port}", f"socket.socket(socket.AF_INET6).connect_ex(('::1', {port}))")


def fetched(ground: Ground) -> Plant:
    port = ground.port()
    code = f"Path('/dev/null').write_text(str(fails(urllib.request.urlopen, 'http://127.0.0.1:{port}/list')))"
    return Plant("network", f"127.0.0.1:{port}", code)


def connected_by_another_program(ground: Ground) -> Plant:
    port = ground.port()
    code = f"subprocess.run(['bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/{port}'], capture_output=True)"
    return Plant("network", f"127.0.0.1:{port}", code)


SOCKETS: tuple[Callable[[Ground], Plant], ...] = (
    connected, sent, sent_as_a_message, connected_by_ipv6, fetched, connected_by_another_program,
)  # fmt: skip

WRAPPER = """

import ctypes, importlib, mmap, os, socket, sqlite3, subprocess, time, urllib.request


def fails(call, *arguments):
    try:
        call(*arguments)
    except OSError:
        return True
    return False


def planted(work):
    def with_more(params, run, paths):
        {code}
        work(params, run, paths)
        {adds}
    return with_more


def add(name, found):
    if found:
        Path({made!r}, name).write_text("more")


"""


def plant(project: Project, stage: str, plants: Sequence[Plant]) -> None:
    """Put them into the code of the stage."""
    code = [one.code for one in plants if one.code]
    adds = [f"add({f'added{number}'!r}, {one.adds})" for number, one in enumerate(plants) if one.adds]
    between = "\n        "
    wrapper = WRAPPER.format(
        code=between.join(code) or "pass", adds=between.join(adds) or "pass", made=MADE[stage]
    )
    script = project.root / f"pipeline/{stage}.py"
    head, main = script.read_text().split("\n\nif __name__")
    assert "work," in main
    script.write_text(f"{head}{wrapper}if __name__{main.replace('work,', 'planted(work),', 1)}")
