"""clintune check --trace: what a stage uses and nobody declared is named; what it declares is not."""

import json
import random
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from clintune.evidence.hidden.calls import Calls, Contact, calls_of, python_calls
from clintune.evidence.hidden.copying import Copy, copy_of
from clintune.evidence.hidden.outputs import md5, unlike_lock
from clintune.evidence.hidden.strays import Declared
from clintune.evidence.hidden.tracing import server_of
from clintune.evidence.hidden.variables import candidates, influences
from clintune.lockfile import read_lock
from tests.evidence import hiding
from tests.evidence.hiding import FILES, SOCKETS, STAGES, VARIABLES, Ground, Plant, plant
from tests.project import Project

HERE = Path("/proj")
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def read(log: str) -> set[str]:
    return set(calls_of(log, HERE).read)


def test_what_is_opened_to_read_counts_by_its_resolved_path():
    log = """\
7 openat(AT_FDCWD</proj>, "a.txt", O_RDONLY|O_CLOEXEC) = 3</proj/a.txt>
7 open("/proj/link", O_RDWR) = 4</else/b.txt>
7 openat(AT_FDCWD</proj>, "none.txt", O_RDONLY) = -1 ENOENT (No such file or directory)
7 openat(AT_FDCWD</proj>, "folder", O_RDONLY|O_DIRECTORY|O_CLOEXEC) = 3</proj/folder>
7 openat(AT_FDCWD</proj>, "log", O_WRONLY|O_CREAT|O_APPEND, 0666) = 3</proj/log>
7 openat2(AT_FDCWD</proj>, "c", {flags=O_RDONLY, mode=0, resolve=0}, 24) = 5</proj/c>
"""
    assert read(log) == {"/proj/a.txt", "/else/b.txt", "/proj/c"}


def test_a_name_outside_ascii_is_read_as_it_is():
    log = '7 openat(AT_FDCWD</proj>, "\\303\\274 \\"x\\".txt", O_RDONLY) = 3</proj/\\303\\274 "x".txt>\n'
    assert read(log) == {'/proj/ü "x".txt'}


def test_a_call_that_is_written_in_two_pieces_is_one():
    log = """\
7 openat(AT_FDCWD</proj>, "a.txt", O_RDONLY <unfinished ...>
8 openat(AT_FDCWD</proj>, "b.txt", O_RDONLY) = 3</proj/b.txt>
7 <... openat resumed>) = 4</proj/a.txt>
"""
    assert read(log) == {"/proj/a.txt", "/proj/b.txt"}


def test_what_the_stage_made_itself_is_nothing_that_it_was_given():
    log = """\
7 openat(AT_FDCWD</proj>, "new", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</proj/new>
7 openat(AT_FDCWD</proj>, "new", O_RDONLY) = 3</proj/new>
7 mkdir("/tmp/scratch", 0700) = 0
7 openat(AT_FDCWD</proj>, "/tmp/scratch/deep/x", O_RDONLY) = 3</tmp/scratch/deep/x>
7 openat(AT_FDCWD</proj>, "draft", O_WRONLY|O_CREAT|O_EXCL, 0666) = 3</proj/draft>
7 renameat(AT_FDCWD</proj>, "draft", AT_FDCWD</proj/sub>, "final") = 0
7 openat(AT_FDCWD</proj>, "sub/final", O_RDONLY) = 3</proj/sub/final>
7 openat(AT_FDCWD</proj>, "late", O_RDONLY) = 3</proj/late>
7 openat(AT_FDCWD</proj>, "late", O_WRONLY|O_TRUNC) = 3</proj/late>
"""
    assert read(log) == {"/proj/late"}


def test_under_another_name_it_is_still_the_same_file():
    """A hard link has no path but its own: what is opened by it was there under the other name."""
    log = """\
7 link("/proj/secret", "/tmp/mine") = 0
7 openat(AT_FDCWD</proj>, "/tmp/mine", O_RDONLY) = 3</tmp/mine>
7 linkat(AT_FDCWD</proj>, "hidden", AT_FDCWD</proj/sub>, "own", 0) = 0
7 renameat(AT_FDCWD</proj>, "given", AT_FDCWD</proj/sub>, "taken") = 0
7 openat(AT_FDCWD</proj>, "draft", O_WRONLY|O_CREAT|O_EXCL, 0666) = 3</proj/draft>
7 rename("/proj/draft", "/proj/final") = 0
7 openat(AT_FDCWD</proj>, "final", O_RDONLY) = 3</proj/final>
"""
    assert read(log) == {"/proj/secret", "/proj/hidden", "/proj/given"}


def test_a_folder_that_is_moved_holds_what_was_given_wherever_it_lies():
    """The kernel's older calls take a path as it was written, in the folder where the process is."""
    log = """\
7 openat(AT_FDCWD</proj>, "a.txt", O_RDONLY) = 3</proj/a.txt>
7 rename("notes", "mine") = 0
7 openat(AT_FDCWD</proj>, "mine/deep/list", O_RDONLY) = 3</proj/mine/deep/list>
7 link("secret", "own") = 0
7 openat(AT_FDCWD</proj>, "own", O_RDONLY) = 3</proj/own>
8 openat(AT_FDCWD</else>, "b.txt", O_RDONLY) = 3</else/b.txt>
8 rename("c.txt", "/proj/c.txt") = 0
"""
    given = {
        "/proj/a.txt",
        "/proj/notes",
        "/proj/notes/deep/list",
        "/proj/secret",
        "/else/b.txt",
        "/else/c.txt",
    }
    assert read(log) == given


def test_a_file_that_had_to_be_there_is_told_from_one_that_may_be_new():
    log = """\
7 openat(AT_FDCWD</proj>, "a", O_RDONLY|O_EXCL) = 3</proj/a>
7 openat(3</O_WRONLY>, "b", O_RDONLY) = 4</O_WRONLY/b>
7 openat(AT_FDCWD</proj>, "journal", O_RDWR|O_CREAT, 0644) = 3</proj/journal>
7 openat(AT_FDCWD</proj>, "journal", O_RDONLY) = 3</proj/journal>
7 openat(AT_FDCWD</proj>, "/tmp", O_RDWR|O_EXCL|O_TMPFILE, 0600) = 3</tmp/#1 (deleted)>
7 openat(AT_FDCWD</proj>, "/proc/self/fd/3", O_RDONLY) = 4</tmp/#1 (deleted)>
7 openat(AT_FDCWD</proj>, "/proc/self/fd/5", O_RDONLY) = 6</tmp/c (deleted)>
"""
    calls = calls_of(log, HERE)
    assert calls.there == {"/proj/a", "/O_WRONLY/b", "/tmp/c"}
    assert calls.read == calls.there | {"/proj/journal"}


def test_a_socket_of_this_machine_counts_unless_it_is_the_stages_own():
    log = """\
7 bind(3<socket:[1]>, {sa_family=AF_UNIX, sun_path=@"listener-7-0"}, 15) = 0
7 connect(4<socket:[2]>, {sa_family=AF_UNIX, sun_path=@"listener-7-0"}, 15) = 0
7 connect(4<socket:[2]>, {sa_family=AF_UNIX, sun_path=@"others"}, 9) = 0
7 mkdir("/tmp/pymp", 0700) = 0
7 connect(4<socket:[3]>, {sa_family=AF_UNIX, sun_path="/tmp/pymp/listener"}, 110) = 0
7 connect(4<socket:[4]>, {sa_family=AF_UNIX, sun_path="/run/postgresql/.s.PGSQL.5432"}, 110) = 0
7 connect(4<socket:[5]>, {sa_family=AF_UNIX, sun_path="/nobody"}, 110) = -1 ECONNREFUSED (Connection refused)
"""
    assert set(map(str, calls_of(log, HERE).contacts)) == {"@others", "/run/postgresql/.s.PGSQL.5432"}


def test_a_program_that_only_speaks_like_the_sender_is_the_stage():
    log = """\
7 execve("/proj/tool", ["PYTHON", "-m", "clintune.tracking.sender"], 0x7ff /* 35 vars */) = 0
7 openat(AT_FDCWD</proj>, "secret", O_RDONLY) = 3</proj/secret>
"""
    assert read(log.replace("PYTHON", sys.executable)) == {"/proj/secret"}


def test_a_program_that_is_only_called_git_is_the_stage():
    log = """\
7 execve("/proj/tools/git", ["git", "status"], 0x7ff /* 35 vars */) = 0
7 openat(AT_FDCWD</proj>, "secret", O_RDONLY) = 3</proj/secret>
8 execve("/bin/cat", ["cat", "other", "clintune.tracking.sender"], 0x7ff /* 35 vars */) = 0
8 openat(AT_FDCWD</proj>, "other", O_RDONLY) = 3</proj/other>
"""
    assert read(log) == {"/proj/secret", "/proj/other"}


def test_git_and_the_sender_and_what_they_start_are_not_the_stage():
    log = """\
7 vfork( <unfinished ...>
8 execve("GIT", ["git", "status"], 0x7ff /* 35 vars */ <unfinished ...>
7 <... vfork resumed>) = 8
8 <... execve resumed>) = 0
9 openat(AT_FDCWD</proj>, "early", O_RDONLY) = 3</proj/early>
8 clone(child_stack=NULL, flags=SIGCHLD) = 9
8 openat(AT_FDCWD</proj>, ".git/index", O_RDONLY) = 3</proj/.git/index>
10 execve("PYTHON", ["PYTHON", "-m", "clintune.tracking.sender"], 0x7ff /* 35 vars */) = 0
10 connect(4<socket:[1]>, {sa_family=AF_INET, sin_port=htons(5), sin_addr=inet_addr("1.2.3.4")}, 16) = 0
7 execve("tools/digitise", ["digitise"], 0x7ff /* 35 vars */) = 0
7 execve("/opt/git", ["git"], 0x7ff /* 35 vars */) = -1 ENOENT (No such file or directory)
7 openat(AT_FDCWD</proj>, "mine", O_RDONLY) = 3</proj/mine>
"""
    log = log.replace("GIT", str(shutil.which("git"))).replace("PYTHON", sys.executable)
    mine = frozenset({"/proj/mine"})
    assert calls_of(log, HERE) == Calls(mine, frozenset({"/proj/tools/digitise"}), frozenset(), mine)


def test_every_address_counts_whether_or_not_somebody_answers():
    log = """\
7 connect(3<socket:[1]>, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("10.0.0.1")}, 16) = -1 E
7 sendto(4<socket:[2]>, "sin_port=htons(1), sin_addr=inet_addr(\\"9.9.9.9\\")", 1, 0, {sa_family=AF_INET6, \
sin6_port=htons(53), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::2", &sin6_addr), sin6_scope_id=0}, 28) = 1
7 sendmsg(4<socket:[2]>, {msg_name={sa_family=AF_INET, sin_port=htons(7), sin_addr=inet_addr("10.0.0.3")}, \
msg_namelen=16, msg_iov=[{iov_base="x", iov_len=1}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, 0) = 1
7 connect(5<socket:[4]>, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), \
inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28) = -1 ECONNREFUSED (Connection refused)
7 sendmsg(4<socket:[2]>, {msg_name={sa_family=AF_INET6, sin6_port=htons(81), sin6_flowinfo=htonl(0), \
inet_pton(AF_INET6, "::3", &sin6_addr), sin6_scope_id=0}, msg_namelen=28, \
msg_iov=[{iov_base="x", iov_len=1}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, 0) = 1
7 connect(3<socket:[3]>, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT (No such file)
7 sendto(4<socket:[2]>, "x", 1, 0, NULL, 0) = 1
"""
    assert set(map(str, calls_of(log, HERE).contacts)) == {
        "10.0.0.1:9", "[::2]:53", "10.0.0.3:7", "[::1]:80", "[::3]:81"
    }  # fmt: skip


def test_an_audit_hook_tells_the_same_of_python():
    heard = [
        ["open", "/proj/a", 0], ["open", "/proj/b", 0o1101], ["open", "/proj/b", 0], ["open", "/proj/c", 2],
        ["os.mkdir", "/tmp/x"], ["open", "/tmp/x/y", 0], ["socket.connect", "10.0.0.1", 9],
        ["open", "/f", None],
    ]  # fmt: skip
    contacts = frozenset({Contact("10.0.0.1", 9)})
    given = frozenset({"/proj/a", "/proj/c"})
    assert python_calls(heard) == Calls(given, frozenset(), contacts, given)


@pytest.fixture
def declared(tmp_path) -> Callable[..., set[tuple[str, str]]]:
    """What is stray of files that are opened, for a stage from corpus/ and in.txt to data/made."""
    project, copy = (tmp_path / name for name in ("project", "copy"))
    names = ["corpus/a", "in.txt", "data/made/x", "data/other/y", "notes.txt", "src/m.py", "params.yaml"]
    for name in names:
        for root in (project, copy):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(name)
    (copy / "data/made/scratch").write_text("")
    (copy / "draft").write_text("")
    entry: Mapping[str, Any] = {
        "deps": [{"path": "corpus"}, {"path": "in.txt"}], "outs": [{"path": "data/made"}],
        "params": {"params.yaml": {"model": {"sha256": "6" * 64}}},
    }  # fmt: skip
    place = Copy(project, copy, tmp_path / "whole", {"cut": entry})
    stage = Declared(place, "cut", tmp_path / "scratch", server_of("http://localhost:5000"), "strace")

    def strays(
        *read: str, programs: Sequence[str] = (), contacts: Iterable[Contact] = (), there: Sequence[str] = ()
    ) -> set[tuple[str, str]]:
        files, started = (frozenset(str(copy / path) for path in paths) for paths in (read, programs))
        calls = Calls(files, started, frozenset(contacts), frozenset(there))
        return {(one.kind, one.what) for one in stage.strays(calls)}

    return strays


def test_what_a_stage_declares_and_makes_is_no_finding(declared):
    assert declared("corpus/a", "in.txt", "data/made/x", "data/made/scratch", "params.yaml", "draft") == set()


def test_what_python_and_the_machine_bring_along_is_no_finding(declared):
    there = [sys.executable, json.__file__, pytest.__file__, "/etc/hosts", "/proc/self/maps", "/dev/null"]
    assert declared(*there, programs=["/bin/sh"]) == set()


def test_another_file_of_the_project_is_a_finding_and_so_is_a_module_that_is_read_compiled(declared):
    found = declared("notes.txt", "data/other/y", "src/__pycache__/m.cpython-311.pyc")
    assert found == {("file", "notes.txt"), ("file", "data/other/y"), ("file", "src/m.py")}


def test_a_program_of_the_project_is_a_finding(declared):
    assert declared(programs=["notes.txt"]) == {("file", "notes.txt")}


def test_a_file_elsewhere_is_a_finding_unless_params_name_its_sum(declared, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").write_text("x")
    assert declared(str(tmp_path / "elsewhere")) == {("file", str(tmp_path / "elsewhere"))}
    monkeypatch.setattr("clintune.evidence.hidden.strays.sha256", lambda path: "6" * 64)
    assert declared(str(tmp_path / "elsewhere")) == set()


def test_what_was_taken_away_since_is_a_finding_and_what_lay_in_memory_is_none(declared, tmp_path):
    gone = str(tmp_path / "gone.csv")
    there = [gone, "/memfd:cache", "/run/gone", str(tmp_path / "copy/made and gone")]
    assert declared(there=there) == {("file", gone)}


def test_whom_the_c_library_asks_is_no_finding_and_a_database_is(declared):
    database = "/run/postgresql/.s.PGSQL.5432"
    called = map(Contact, ["/run/nscd/socket", "/var/lib/sss/pipes/nss", "/dev/log", database, "@x"])
    assert declared(contacts=called) == {("network", database), ("network", "@x")}


def test_only_the_tracking_server_of_this_machine_may_be_called(declared):
    called = [Contact("127.0.0.1", 5000), Contact("127.0.0.1", 5001), Contact("10.0.0.1", 5000)]
    assert declared(contacts=called) == {("network", "127.0.0.1:5001"), ("network", "10.0.0.1:5000")}


def test_a_tracking_server_elsewhere_may_not_be_called_by_a_stage():
    assert server_of("https://mlflow.example.org") == frozenset()
    assert server_of("sqlite:////x/mlflow.db") == frozenset()


Stage = Callable[[Mapping[str, str]], Mapping[str, str] | int]


def found(stage: Stage, read: Mapping[str, Any], **present: str) -> tuple[set[tuple[str, str | None]], int]:
    """Variables that decide what `stage` makes, and how often it ran for that."""
    runs = 0

    def outcome(changes: Mapping[str, str | None]) -> Mapping[str, str] | int:
        nonlocal runs
        runs += 1
        new = {name: value for name, value in changes.items() if value is not None}
        return stage({name: value for name, value in present.items() if name not in changes} | new)

    before = stage(present)
    assert not isinstance(before, int)
    told = influences(candidates(read, present), outcome, before)
    return {(one.name, one.value) for one in told if one.decides}, runs


def test_variables_without_influence_cost_one_run_for_each_value():
    assert found(lambda env: {"x": "1"}, {"A": [], "B": ["fast"], "LIBRARY": None}) == (set(), 3)


def test_each_variable_with_influence_is_found_by_the_value_that_shows_it():
    def stage(env: Mapping[str, str]) -> Mapping[str, str]:
        mode, count = env.get("MODE", "slow") == "fast", env.get("COUNT", "1")
        return {"x": f"{mode} {count} {env.get('TZ')} {env['SITE']}"} if "SITE" in env else {}

    told, runs = found(stage, {"MODE": ["fast", "slow"], "COUNT": [], "OTHER": []}, SITE="north", SHELL="sh")
    assert told == {("MODE", "fast"), ("COUNT", "2"), ("TZ", "Pacific/Kiritimati"), ("SITE", None)}
    assert runs < 40


def test_variables_that_change_an_output_together_only_are_named_together():
    told, _ = found(lambda env: {"x": str("A" in env and "B" in env)}, {"A": [], "B": [], "C": []})
    assert told == {("A with B", "1")}


def test_a_value_that_a_stage_cannot_use_says_nothing_but_to_be_without_one_does():
    def stage(env: Mapping[str, str]) -> Mapping[str, str] | int:
        if "NEEDED" not in env or env.get("NUMBER", "0") == "1":
            return 2
        return {"x": "1"}

    told, _ = found(stage, {"NUMBER": [], "NEEDED": []}, NEEDED="north")
    assert told == {("NEEDED", None)}


def test_an_output_is_named_as_dvc_names_it(finished):
    lock = read_lock(finished.root / "dvc.lock")
    made = {out["path"]: out["md5"] for entry in lock.values() for out in entry["outs"]}
    assert {path: md5(finished.root / path) for path in made} == made
    assert any(name.endswith(".dir") for name in made.values())


def test_an_output_with_other_bytes_than_dvc_lock_names_is_a_finding_and_its_file_is_named(
    finished, tmp_path
):
    lock = {"ingest": read_lock(finished.root / "dvc.lock")["ingest"]}
    copy = copy_of(finished.root, lock, tmp_path / "copy")
    assert list(unlike_lock(copy, "ingest", 0, copy.sums("ingest"))) == []
    file = sorted(copy.sums("ingest"))[0]
    (copy.root / file).write_text("another")
    [finding] = unlike_lock(copy, "ingest", 0, copy.sums("ingest"))
    assert (finding.stage, finding.kind, finding.what) == ("ingest", "output", file)
    copy.restore("ingest")
    assert list(unlike_lock(copy, "ingest", 0, copy.sums("ingest"))) == []


def test_a_copy_holds_git_and_what_lies_beside_the_project_and_no_environment(finished, tmp_path):
    project = Project(tmp_path / "project")
    for name in ("pipeline/a.py", "env/pyvenv.cfg", "env/x", ".clintune/x", "new.txt", "data/made"):
        (project.root / name).parent.mkdir(parents=True, exist_ok=True)
        (project.root / name).write_text("x")
    (tmp_path / "corpus").write_text("records")
    project.run("git", "init", "-q")
    entry = {"cmd": "", "deps": [{"path": "../corpus"}], "outs": [{"path": "data/made"}]}
    copy = copy_of(project.root, {"one": entry}, tmp_path / "copy")
    assert (copy.root / "../corpus").read_text() == "records"
    assert (copy.root / "../corpus").resolve() == tmp_path / "corpus"
    assert {path.name for path in copy.root.iterdir()} == {"pipeline", "new.txt", "data", ".git"}


def traced(project: Project, *stages: str, code: int, timeout: float = 280) -> dict[str, Any]:
    done = project.run("clintune", "check", "--trace", *stages, "--json", ok=False, timeout=timeout)
    assert done.returncode == code, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def named(answer: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    return {(one["stage"], one["kind"], one["what"]) for one in answer["findings"]}


def expected(stage: str, plants: Sequence[Plant]) -> set[tuple[str, str, str]]:
    return {(stage, one.kind, one.what) for one in plants}


def ground_of(finished: Project, folder: Path, seed: int) -> Ground:
    environment: dict[str, str] = {}
    copy = finished.copy(folder / "project")
    (folder / "outside").mkdir()
    return Ground(Project(copy.root, environment), folder / "outside", random.Random(seed), environment)


@needs_strace
@pytest.mark.pipeline
def test_planted_inputs_are_found_and_named_and_a_stage_without_any_is_clean(finished, tmp_path):
    """Nothing of it happens in the user's own tree."""
    ground = ground_of(finished, tmp_path, 0)
    makes = (hiding.opened, hiding.opened_elsewhere, hiding.opened_by_native_code, hiding.of_git,
             hiding.compared, hiding.connected, hiding.sent)  # fmt: skip
    plants = [make(ground) for make in makes]
    plant(ground.project, "preprocess", plants)
    root = ground.project.root
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    answer = traced(ground.project, "preprocess", "ingest", code=1)
    assert named(answer) == expected("preprocess", plants)
    assert answer["stages"] == ["ingest", "preprocess"]
    assert answer["not_checked"] == []
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


@pytest.mark.pipeline
def test_without_strace_what_python_opens_is_found_and_the_rest_is_said_to_be_unknown(finished, tmp_path):
    ground = ground_of(finished, tmp_path, 1)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("python", "clintune"):
        (programs / name).symlink_to(Path(sys.executable).parent / name)
    (programs / "git").symlink_to(str(shutil.which("git")))
    ground.environment["PATH"] = str(programs)
    clintune = str(programs / "clintune")
    blind = "no strace here: files that native code opens, and its network, are not seen"
    done = ground.project.run(clintune, "check", "--trace", "ingest", ok=False)
    assert (done.returncode, done.stdout.splitlines()[0]) == (2, f"not checked  {blind}")
    plants = [hiding.opened(ground), hiding.connected(ground)]
    plant(ground.project, "ingest", plants)
    done = ground.project.run(clintune, "check", "--trace", "ingest", "--json", ok=False)
    assert done.returncode == 1, done.stderr
    assert named(json.loads(done.stdout)) == expected("ingest", plants)


def test_before_the_first_run_there_is_nothing_to_trace(finished, tmp_path):
    project = Project(tmp_path)
    shutil.copy(finished.root / "dvc.yaml", tmp_path)
    for lock in (None, "schema: '2.0'\nstages: {}\n"):
        if lock:
            (tmp_path / "dvc.lock").write_text(lock)
        done = project.run("clintune", "check", "--trace", ok=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert "dvc repro first" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_stage_that_there_is_not_is_one_line(finished):
    done = finished.run("clintune", "check", "--trace", "bake", ok=False)
    assert done.returncode == 2
    assert done.stderr == (
        "dvc.yaml: no stage is called 'bake'; "
        "one of ingest, preprocess, pretrain, tokenize, train, evaluate, export\n"
    )


NUMBERS = {"train": (5, 1, 3), "evaluate": (5, 1, 3), "export": (5, 1, 3)}
"""Files, variables and sockets to plant: each variable costs some runs of the stage."""


@needs_strace
@pytest.mark.slow
@pytest.mark.pipeline
@pytest.mark.timeout(900)
@pytest.mark.parametrize("stage", STAGES)
def test_all_of_many_planted_inputs_are_found_in_every_stage_and_nothing_else(finished, tmp_path, stage):
    """63 in all: 9 for each of 7 stages."""
    ground = ground_of(finished, tmp_path, STAGES.index(stage))
    kinds = zip((FILES, VARIABLES, SOCKETS), NUMBERS.get(stage, (4, 3, 2)), strict=True)
    plants = [make(ground) for kind, number in kinds for make in ground.dice.sample(kind, number)]
    plant(ground.project, stage, plants)
    answer = traced(ground.project, stage, code=1, timeout=800)
    assert named(answer) == expected(stage, plants)
    assert len(named(answer)) == 9
    assert answer["not_checked"] == []


@needs_strace
@pytest.mark.slow
@pytest.mark.pipeline
@pytest.mark.timeout(900)
def test_the_stock_pipeline_uses_nothing_that_it_does_not_declare(finished, tmp_path):
    project = ground_of(finished, tmp_path, 0).project
    answer = traced(project, code=0, timeout=800)
    assert answer["findings"] == []
    assert answer["stages"] == list(STAGES)
