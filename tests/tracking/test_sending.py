"""For how long anybody waits for the store."""

import fcntl
import itertools
import time

import pytest

from clintune.tracking.home import Home
from clintune.tracking.sending import wait_until_sent


@pytest.mark.timeout(30)
@pytest.mark.parametrize("limit", [{"patience": 0.3}, {"patience": 60, "longest": 0.3}])
def test_a_clock_that_is_set_back_makes_nobody_wait_longer(tmp_path, monkeypatch, limit):
    home, moments = Home(tmp_path / ".clintune"), itertools.count(time.time(), -60)
    run = home.spool / "run"
    run.mkdir(parents=True)
    monkeypatch.setattr(time, "time", lambda: next(moments))
    with home.sender_lock.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a sender is at work, and does not get on
        begin = time.monotonic()
        assert wait_until_sent(home, run, **limit) is False
        assert 0.2 < time.monotonic() - begin < 5
