"""How the programs of clintune start."""

import subprocess
import sys

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
