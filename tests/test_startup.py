"""How the programs of clintune start."""

import signal
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import atexit, gc
atexit.register(lambda: print(gc.get_freeze_count() > 1000))  # runs after what is registered later
from clintune.startup import collect_seldom
collect_seldom()
print(gc.get_threshold()[0] > 10_000, gc.isenabled(), gc.get_freeze_count())
"""


def test_garbage_is_sought_seldom_and_not_at_all_when_a_program_ends():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["True True 0", "True"]


TERMINATED = """
import tempfile, time
from clintune.startup import begin
begin()
with tempfile.TemporaryDirectory() as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


def test_a_program_that_is_told_to_end_leaves_no_temporary_files():
    with subprocess.Popen([sys.executable, "-c", TERMINATED], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        folder = Path(program.stdout.readline().strip())
        assert folder.is_dir()
        program.terminate()
        assert program.wait() == 128 + signal.SIGTERM
    assert not folder.exists()
