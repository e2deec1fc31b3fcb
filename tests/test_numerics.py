"""What the math libraries are told before they are imported, each time in a process of its own."""

import os
import subprocess
import sys

import pytest

SCRIPT = """if True:
    import os
    from clintune.numerics import set_numerics
    from clintune.params import Numerics
    set_numerics(Numerics(profile={profile!r}, threads=3))
    for name in {names!r}:
        print(os.environ.get(name, ""))
"""


def told(profile: str, *names: str, **given: str) -> list[str]:
    """The variables, with `given` in the environment before."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(profile=profile, names=names)], check=True, text=True,
        capture_output=True, env={**os.environ, **given},
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("profile", "mode", "width"), [("portable", "COMPATIBLE", "avx2"), ("native", "", "")]
)
def test_the_profile_decides_the_code_path_whatever_the_shell_says(profile, mode, width):
    names = "OMP_NUM_THREADS", "MKL_CBWR", "ATEN_CPU_CAPABILITY"
    found = told(profile, *names, OMP_NUM_THREADS="9", MKL_CBWR="AVX")
    assert found == ["3", mode, width]


def test_how_threads_wait_is_the_users_where_he_says_so(monkeypatch):
    names = "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"
    assert told("native", *names, OMP_WAIT_POLICY="active", GOMP_SPINCOUNT="0") == ["active", "0"]
    for name in names:
        monkeypatch.delenv(name, raising=False)
    assert told("native", *names) == ["passive", "10000"]


def test_a_torch_that_has_read_the_variables_is_an_error():
    done = subprocess.run(
        [sys.executable, "-c", "import torch\n" + SCRIPT.format(profile="native", names=())], check=False,
        text=True, capture_output=True,
    )  # fmt: skip
    assert "numerics must be set before torch is imported" in done.stderr
