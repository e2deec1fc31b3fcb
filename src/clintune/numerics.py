"""How numbers are computed: told to the math libraries by environment variables, before their import."""

import os
import sys

from clintune.params import Numerics

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_PORTABLE = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",
}


def set_numerics(numerics: Numerics) -> None:
    """Set thread counts and code paths for this process and its children.

    Raises RuntimeError where torch is imported already: it has read the variables.
    """
    if "torch" in sys.modules:
        raise RuntimeError("numerics must be set before torch is imported")
    for name in _THREADS:
        os.environ[name] = str(numerics.threads)
    # Threads that wait give their core away after less than a millisecond; by default they spin for long, and
    # starve each other beside other work. To be woken for each operation was a sixth of a step: DECISIONS.md.
    # In small letters: a capital I is none of libgomp's words where the locale is Turkish.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    for name, value in _PORTABLE.items():
        if numerics.profile == "portable":
            os.environ[name] = value
        else:
            os.environ.pop(name, None)
