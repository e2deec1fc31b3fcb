"""A question to a tracking server is answered, or it is known soon and in a word why not."""

import socket
import time

import pytest

from clintune.errors import TrackingError
from clintune.tracking.home import Home
from clintune.tracking.probe import silence
from clintune.tracking.snapshot import snapshot
from tests.tracking.curt_server import head, server

WITHIN = 0.5


@pytest.mark.parametrize("said", [head("200 OK"), head("401 Who are you"), head("404 No such experiment")])
def test_a_server_that_says_anything_of_sense_is_there(said):
    with server(said) as address:
        assert silence(f"http://{address}/", within=WITHIN) is None
        assert silence(f"http://user:secret@{address}", within=WITHIN) is None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (head("500 No"), "HTTP 500"),
        (head("503 Later"), "HTTP 503"),
        (b"", "timed out"),
        (head("200 OK", length=9), "timed out"),
        (b"SSH-2.0\r\n", "SSH-2.0"),
    ],
)
def test_a_server_that_fails_or_hangs_is_not_and_it_is_known_soon(said, why):
    begin = time.monotonic()
    with server(said) as address:
        assert why in silence(f"http://{address}", within=WITHIN)
    assert time.monotonic() - begin < 4 * WITHIN


def test_a_server_that_refuses_or_has_no_address_is_not():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert silence(f"http://127.0.0.1:{unused.getsockname()[1]}", within=WITHIN) == "Connection refused"
    assert silence("http://", within=WITHIN)


def test_a_snapshot_asks_a_server_that_a_stage_found_silent_for_a_second(tmp_path, monkeypatch):
    home = Home(tmp_path / ".clintune")
    (home.spool / "run").mkdir(parents=True)
    (home.spool / "run" / "journal").touch()
    home.trouble.touch()
    (tmp_path / "dvc.lock").write_text("stages: {}\n")
    monkeypatch.chdir(tmp_path)
    begin = time.monotonic()
    with server(b"") as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{address}")
        with pytest.raises(
            TrackingError, match=r"\(timed out\), so 1 run waits in \.clintune/spool; start it"
        ):
            snapshot(home)
    assert time.monotonic() - begin < 3
