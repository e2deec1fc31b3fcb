"""clintune check --trace: run stages again in a copy, traced, and say what they use undeclared."""

import argparse
import tempfile
from pathlib import Path

from clintune.cli.answer import FINDING, USER_ERROR, tell
from clintune.evidence.hidden.tracing import trace
from clintune.tracking.home import home


def trace_stages(arguments: argparse.Namespace) -> int:
    """1 with a finding, else 2 where something could not be checked, else 0. The copy is removed."""
    with tempfile.TemporaryDirectory(prefix="clintune-trace-") as folder:
        traced = trace(Path(), home(), arguments.trace, Path(folder).resolve())
    tell(arguments, traced.as_json(), traced.lines())
    return FINDING if traced.findings else USER_ERROR if traced.not_checked else 0
