"""What lies on disk."""

import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from clintune.files import size, temporary_files_in
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
