"""How a stage ends where the machine fails it."""

import errno
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

import pytest

from clintune.recipes import recipe_file
from clintune.stage import run_stage


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """Run a stage that ends in this error of the system."""
    (tmp_path / "params.yaml").write_text(recipe_file("synthetic").read_text("utf-8"), "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["pipeline/ingest.py"])
    monkeypatch.setattr("clintune.stage._set_environment", lambda params, sections: None)
    monkeypatch.setattr("clintune.stage.stage_run", lambda *_, **__: nullcontext())

    def run(error: OSError) -> None:
        def work(*_: object) -> None:
            raise error

        run_stage("ingest", work)

    return run


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "full"), "{here}: no space left on device; make room"),
        (
            PermissionError(errno.EACCES, "no", "data/raw"),
            "data/raw: permission denied; give yourself the right",
        ),
        (OSError(errno.EROFS, "no", "data"), "data: read-only file system; make it writable"),
    ],
)
def test_a_full_disk_and_a_missing_right_are_one_line_and_exit_code_2(stage, capsys, error, line):
    with pytest.raises(SystemExit) as ended:
        stage(error)
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == line.format(here=Path().resolve())


def test_what_the_user_cannot_mend_keeps_its_traceback(stage):
    with pytest.raises(OSError, match="bad"):
        stage(OSError(errno.EBADF, "bad"))


def test_temporary_files_of_a_stage_lie_in_its_folder(stage, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    seen = []
    run_stage("ingest", lambda *_: seen.append(Path(tempfile.mkdtemp())))
    assert seen[0].parent == Path(".temporary.draft").resolve()
    assert not seen[0].parent.exists()
