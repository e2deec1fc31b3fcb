"""A dvc.lock that DVC did not write to its end."""

import pytest

from clintune.cli.mend import mend
from clintune.errors import UserError
from clintune.lockfile import read_lock
from clintune.tracking.home import Home

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(300)]


@pytest.fixture
def torn(finished, tmp_path):
    """What mend needs of a project: dvc.lock, params.yaml, the ledger."""
    finished.run("cp", "-a", "dvc.lock", "params.yaml", str(tmp_path))
    finished.run("cp", "-a", ".clintune", str(tmp_path))
    return tmp_path


def test_a_whole_lock_is_left_alone(torn):
    before = (torn / "dvc.lock").stat()
    assert list(mend(torn, Home(torn / ".clintune"))) == []
    assert (torn / "dvc.lock").stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.5, 0.9, 0.9999])
def test_a_torn_lock_is_made_anew_to_the_byte_and_kept(torn, share):
    lock = torn / "dvc.lock"
    whole = lock.read_bytes()
    lock.write_bytes(whole[: int(share * len(whole))])
    [said] = mend(torn, Home(torn / ".clintune"))
    assert said.startswith("dvc.lock was torn, as by a kill: made anew from the sealed records;")
    assert lock.read_bytes() == whole
    assert (torn / ".clintune/dvc.lock.torn").read_bytes() == whole[: int(share * len(whole))]


@pytest.mark.parametrize("params", [None, b"a: [", b"\xff", b"- 1"])
def test_params_that_are_damaged_too_stop_nobody(torn, params):
    """They give the order of keys, which git shows, and nothing else."""
    (torn / "params.yaml").unlink()
    if params is not None:
        (torn / "params.yaml").write_bytes(params)
    entries = read_lock(torn / "dvc.lock")
    (torn / "dvc.lock").write_bytes(b"stages:\n  x: {")
    assert len(list(mend(torn, Home(torn / ".clintune")))) == 1
    assert read_lock(torn / "dvc.lock") == entries


def test_without_a_sealed_record_the_torn_lock_is_taken_away(torn, tmp_path):
    (torn / "dvc.lock").write_text("schema: '2.0'\nstages:\n  ing")
    [said] = mend(torn, Home(tmp_path / "elsewhere"))
    assert "nothing was sealed" in said
    assert not (torn / "dvc.lock").exists()


@pytest.mark.parametrize(
    "own",
    [
        "  announce:\n    cmd: echo done\n    deps:\n    - path: x.json\n      hash: md5\n      md5: b5a5\n",
        "  announce:\n    cmd: echo done\n",
        "  fetch:\n    cmd: x\n    deps:\n    - path: https://example.org/x\n      etag: '\"9\"'\n",
    ],
)
def test_stages_of_a_user_that_write_nothing_or_read_an_address_tear_no_lock(torn, own):
    with (torn / "dvc.lock").open("a") as stream:
        stream.write(own)
    before = (torn / "dvc.lock").read_bytes()
    assert list(mend(torn, Home(torn / ".clintune"))) == []
    assert (torn / "dvc.lock").read_bytes() == before


def test_a_lock_that_git_could_not_merge_is_left_to_the_user(torn):
    lock = torn / "dvc.lock"
    text = lock.read_text()
    lock.write_text(f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n")
    before = lock.read_bytes()
    with pytest.raises(UserError, match="git could not merge"):
        list(mend(torn, Home(torn / ".clintune")))
    assert lock.read_bytes() == before


def test_each_half_is_kept(torn):
    halves = [b"stages:\n  x: {", b"stages:\n  y: {"]
    for half in halves:
        (torn / "dvc.lock").write_bytes(half)
        list(mend(torn, Home(torn / ".clintune")))
    kept = [torn / ".clintune/dvc.lock.torn", torn / ".clintune/dvc.lock.torn.2"]
    assert [file.read_bytes() for file in kept] == halves


def test_dvc_takes_what_was_mended_for_what_it_wrote(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    lock = project.root / "dvc.lock"
    lock.write_text(lock.read_text()[: lock.read_text().index("md5") + 1])
    assert project.run("dvc", "status", ok=False).returncode != 0
    project.run("clintune", "mend")
    assert "up to date" in project.run("dvc", "status").stdout


def test_a_torn_list_of_locks_is_taken_away_and_a_whole_one_stays(finished, tmp_path):
    """A kill while DVC writes it: every command of DVC stops there."""
    project = finished.copy(tmp_path / "copy")
    project.params({"evaluate": {"shown": 4}})
    locks = project.root / ".dvc/tmp/rwlock"
    locks.write_text('{"write": {"')
    done = project.run("dvc", "repro", "ingest", ok=False)
    assert "JSON structure is corrupted" in done.stderr
    assert project.run("clintune", "mend").stdout.startswith(".dvc/tmp/rwlock was torn, as by a kill")
    project.run("dvc", "repro", "ingest")
    locks.write_text("{}")
    assert project.run("clintune", "mend").stdout == ""
    assert locks.exists()
