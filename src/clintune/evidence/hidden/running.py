"""One stage run in the copy, by hand: traced, or under other variables."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clintune.errors import UserError
from clintune.evidence.hidden.calls import CALLS, Calls, calls_of, python_calls
from clintune.evidence.hidden.copying import Copy
from clintune.graph import read_stages

_RECORDER = Path(__file__).with_name("recorder.py")
_STRACE = ("strace", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "4096", "-e", f"trace={CALLS}")


@dataclass(frozen=True, slots=True)
class Observed:
    """A traced run. `variables`: name -> words beside the reading, None where no code of the project read it.

    `words` end the sentence that begins with what was seen: how.
    """

    code: int
    calls: Calls
    variables: Mapping[str, list[str] | None]
    sums: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs stages of a copy with the variables of `environment`; `scratch` is for its own files."""

    copy: Copy
    environment: Mapping[str, str]
    scratch: Path
    native: bool

    def observe(self, stage: str) -> Observed:
        """Run it traced; its outputs stay."""
        log, noted, recorder = (self.scratch / name for name in ("strace.log", "noted.json", "recorder.py"))
        shutil.copyfile(_RECORDER, recorder)
        noted.unlink(missing_ok=True)
        calls = "names" if self.native else "calls"
        command = [sys.executable, str(recorder), str(noted), calls, *self._module(stage)]
        code = self._run(stage, [*_STRACE, "-o", str(log), *command] if self.native else command)
        told = json.loads(noted.read_text()) if noted.exists() else {"variables": {}, "calls": []}
        text = log.read_text(errors="surrogateescape") if self.native else ""
        found = calls_of(text, self.copy.root) if self.native else python_calls(told["calls"])
        return Observed(code, found, told["variables"], self.copy.sums(stage))

    def outcome(self, stage: str, changes: Mapping[str, str | None]) -> Mapping[str, str] | int:
        """What it makes with some variables set or, where None, taken away: SHA-256 by file, or its code."""
        left = {name: value for name, value in self.environment.items() if name not in changes}
        new = {name: value for name, value in changes.items() if value is not None}
        code = self._run(stage, [sys.executable, "-m", *self._module(stage)], left | new)
        return code or self.copy.sums(stage)

    def _module(self, stage: str) -> list[str]:
        return shlex.split(self.copy.lock[stage]["cmd"])[2:]

    def _run(self, stage: str, command: list[str], environment: Mapping[str, str] | None = None) -> int:
        self.copy.clear(stage)
        variables = self.environment if environment is None else environment
        return subprocess.run(
            command, cwd=self.copy.root, env=variables, stdin=subprocess.DEVNULL, capture_output=True,
            check=False,
        ).returncode  # fmt: skip


def can_trace() -> bool:
    """Whether there is a strace, and this user may use it: a container can forbid that."""
    if shutil.which("strace") is None:
        return False
    return (
        subprocess.run([*_STRACE, "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0
    )


def chosen(root: Path, lock: Mapping[str, object], names: list[str]) -> list[str]:
    """The stages to trace, in the order of dvc.yaml. Raises UserError for one that never ran, or is none."""
    stages = list(read_stages(root))
    for name in names:
        if name not in stages:
            raise UserError("dvc.yaml", f"no stage is called {name!r}", f"one of {', '.join(stages)}")
    wanted = [stage for stage in stages if not names or stage in names]
    missing = [stage for stage in wanted if stage not in lock]
    if missing:
        raise UserError("dvc.lock", f"{missing[0]} has not run: nothing to trace yet", "dvc repro first")
    return wanted
