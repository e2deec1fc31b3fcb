"""What lies on disk."""

import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from clintune.files import size, temporary_files_in, whole_file, whole_folder
from tests.corpora import write


def test_the_size_of_a_folder_is_that_of_all_files_in_it(tmp_path):
    write(tmp_path, {"a.txt": "123", "sub/sub/b.txt": "4567", "sub/c": ""})
    assert size(tmp_path) == 7
    assert size(tmp_path / "a.txt") == 3
    assert size(tmp_path / "nothing") == 0


KILLED = """
import os, signal, sys, tempfile
from pathlib import Path
from clintune.files import temporary_files_in
with temporary_files_in(Path(sys.argv[1])), tempfile.NamedTemporaryFile() as file:
    print(file.name, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_temporary_files_of_a_killed_process_go_when_the_next_begins(tmp_path):
    draft, outside = tmp_path / ".temporary.draft", tempfile.gettempdir()
    killed = [sys.executable, "-c", KILLED, str(tmp_path / "temporary")]
    done = subprocess.run(killed, stdout=subprocess.PIPE, text=True, check=False)
    assert Path(done.stdout.strip()).parent == draft
    assert list(draft.iterdir()) == [Path(done.stdout.strip())]
    with temporary_files_in(tmp_path / "temporary"):
        assert list(draft.iterdir()) == []
        assert tempfile.gettempdir() == str(draft)
    assert list(tmp_path.iterdir()) == []
    assert tempfile.gettempdir() == outside


def test_temporary_files_of_work_that_failed_are_gone(tmp_path):
    with suppress(KeyError), temporary_files_in(tmp_path / "folder"):
        Path(tempfile.mkdtemp(), "file").touch()
        raise KeyError
    assert list(tmp_path.iterdir()) == []


KILLED_WHILE_IT_WRITES = """
import os, signal, sys
from pathlib import Path
from clintune.files import whole_file, whole_folder
path = Path(sys.argv[1])
with whole_folder(path / "folder") as folder, whole_file(path / "file") as file:
    (folder / "a").write_text("ne")
    file.write_text("ne")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_process_was_killed_over_stays_as_it_was_and_the_next_one_writes_it_whole(tmp_path):
    before = {"file": "old", "folder/a": "old", "folder/b": "old"}
    write(tmp_path, before)
    command = [sys.executable, "-c", KILLED_WHILE_IT_WRITES, str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert {name: (tmp_path / name).read_text() for name in before} == before
    with whole_folder(tmp_path / "folder") as folder, whole_file(tmp_path / "file") as file:
        assert list(folder.iterdir()) == []
        (folder / "a").write_text("new")
        file.write_text("new")
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["a"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "folder/a").read_text() == (tmp_path / "file").read_text() == "new"


def test_what_was_there_stays_where_writing_it_anew_fails(tmp_path):
    before = {"file": "old", "folder/a": "old"}
    write(tmp_path, before)
    with suppress(KeyError), whole_folder(tmp_path / "folder"), whole_file(tmp_path / "file") as file:
        file.write_text("ne")
        raise KeyError
    assert {name: (tmp_path / name).read_text() for name in before} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
