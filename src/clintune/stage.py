"""Run one stage: arguments, params, environment, tracking, exit codes."""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from clintune.errors import UserError
from clintune.files import temporary_files_in
from clintune.numerics import set_numerics
from clintune.params import Params, load_params
from clintune.startup import begin
from clintune.tracking import Run
from clintune.tracking.stage_run import stage_run

Work: TypeAlias = Callable[[Params, Run, Mapping[str, Path]], None]

_USER_ERROR = 2
_TEMPORARY = Path("temporary")
"""Of the one stage that runs in this folder; git and DVC pass its draft over."""
_OF_THE_MACHINE = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EROFS: "make it writable",
    errno.EACCES: "give yourself the right",
}
"""What the user can mend of what the system says, by its number."""
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DVC_NO_ANALYTICS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}


def run_stage(name: str, work: Work, *, paths: Sequence[str] = (), sections: Sequence[str] = ()) -> None:
    """Do the `work` of stage `name` as one tracked run.

    The process exits with 2 on a UserError, and where the machine has no room or gives no right to write.

    Each of `paths` is a required argument of the command line, as --NAME PATH. `sections` are the parts
    of params.yaml that the stage reads: the same that dvc.yaml declares for it.
    """
    begin()
    found = _arguments(name, paths)
    try:
        params = load_params(Path("params.yaml"))
        _set_environment(params, sections)
        with (
            stage_run(name, params, paths=found, sections=sections) as run,
            temporary_files_in(_TEMPORARY),
        ):
            work(params, run, found)
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(_USER_ERROR)
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        place, problem = str(error.filename or Path().resolve()), os.strerror(error.errno).lower()
        print(UserError(place, problem, _OF_THE_MACHINE[error.errno]), file=sys.stderr)
        sys.exit(_USER_ERROR)


def _arguments(name: str, paths: Sequence[str]) -> dict[str, Path]:
    parser = argparse.ArgumentParser(prog=f"python -m pipeline.{name}", allow_abbrev=False)
    for path in paths:
        parser.add_argument(
            f"--{path.replace('_', '-')}", dest=path, type=Path, required=True, metavar="PATH"
        )
    given = vars(parser.parse_args())
    return {path: given[path] for path in paths}


def _set_environment(params: Params, sections: Sequence[str]) -> None:
    """What libraries read from the environment when they are imported."""
    os.environ.update(_QUIET)
    reads_model = bool({"model", "model.source"} & set(sections))
    if not reads_model or "hub" not in {one.source for one in params.model.encoders}:
        os.environ["HF_HUB_OFFLINE"] = "1"
    if "numerics" in sections:
        set_numerics(params.numerics)
