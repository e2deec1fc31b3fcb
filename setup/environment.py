"""Make .venv what the lock files say, once: `make` runs this before anything else.

Standard library only, because nothing else is there yet. A file in .venv remembers which step ended well
for which content of the locks, so that a second call takes no time and an interrupted one starts afresh.

    python3 setup/environment.py [--dev]
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Step:
    """One part of the set-up; it need not run again while `key` stays the same."""

    name: str
    key: str
    run: Callable[[], None]


@dataclass(frozen=True)
class Environment:
    """A virtual environment and the memory of what was done in it."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def memory(self) -> Path:
        return self.folder / "set-up.json"

    def done(self) -> dict[str, str]:
        """Step -> key, or UNFINISHED where a step was cut off."""
        try:
            steps: dict[str, str] = json.loads(self.memory.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except ValueError:
            return {"": UNFINISHED}
        return steps

    def remember(self, name: str, key: str | None) -> None:
        """On disk before the step goes on: a power cut must not leave a memory of what never happened."""
        steps = {**self.done(), name: key}
        draft = self.memory.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as stream:
            json.dump({step: known for step, known in steps.items() if known}, stream, indent=2)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(self.memory)

    def pip(self, *arguments: str) -> None:
        """pip, with the user's own configuration (index, mirrors, proxies, certificates)."""
        run(self.python, "-m", "pip", "--disable-pip-version-check", *arguments)


def run(*command: str | Path) -> None:
    """A command whose messages the user sees; a failure ends the set-up with one more line."""
    code = subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode
    if code:
        shown = " ".join(str(part).replace(f"{ROOT}/", "") for part in command)
        raise SystemExit(f"set-up: `{shown}` failed with code {code}; mend what it says above, then repeat")


def steps(environment: Environment, *, dev: bool) -> list[Step]:
    """Everything to do, in order."""
    locks = [ROOT / "requirements-setup.lock", ROOT / "requirements.lock"]
    torch = [str(environment.python), str(ROOT / "setup" / "torch_build.py")]
    wanted = [
        Step("packages", digest(*locks, text=str(environment.folder)), lambda: packages(environment, locks)),
        Step("torch", digest(ROOT / "pyproject.toml", text=torch_choice()), lambda: run(*torch)),
        Step(
            "clintune",
            digest(ROOT / "pyproject.toml"),
            lambda: own_code(environment),
        ),
    ]
    if dev:
        lock = ROOT / "requirements-dev.lock"
        wanted.append(Step("dev", digest(lock), lambda: install(environment, lock)))
    return wanted


def packages(environment: Environment, locks: list[Path]) -> None:
    """The tools first: they build the few packages that come as source."""
    for lock in locks:
        install(environment, lock)


def install(environment: Environment, lock: Path) -> None:
    """Exactly the files of the lock.

    Without dependencies, because a lock is complete; without build isolation, which would fetch build
    tools that no hash covers.
    """
    environment.pip(
        "install", "-qq", "--no-deps", "--no-build-isolation", "--require-hashes", "-r", lock.name
    )  # fmt: skip


def own_code(environment: Environment) -> None:
    """The library, as it lies in the checkout: by a path from here to there.

    setuptools writes the whole path, in the encoding of the locale; Python reads it in that of another day's.
    Where the path is not ASCII, one of them fails: a relative one has no letter of it.
    """
    os.environ["LC_ALL"] = "C.UTF-8"
    environment.pip("install", "-qq", "--no-deps", "--no-build-isolation", "-e", ".")
    for link in environment.folder.glob("lib/python*/site-packages/__editable__.clintune-*.pth"):
        link.write_text(f"{os.path.relpath(ROOT / 'src', link.parent)}\n", encoding="utf-8")


def torch_choice() -> str:
    return os.environ.get("CLINTUNE_TORCH", "auto")


def digest(*files: Path, text: str = "") -> str:
    """SHA-256 over the content of files and a text."""
    parts = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    return hashlib.sha256("\n".join([*parts, text]).encode()).hexdigest()


def prepare(environment: Environment, first: Step) -> None:
    """A .venv to install into. Only one that this script made is ever removed."""
    done = environment.done()
    works = environment.python.exists() and not subprocess.run(
        [environment.python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"],
        stderr=subprocess.DEVNULL, check=False,
    ).returncode  # fmt: skip
    if done and not (works and done.get(first.name) == first.key and UNFINISHED not in done.values()):
        say("the lock files changed or the last set-up was cut off: making .venv anew")
        shutil.rmtree(environment.folder)
    elif not done and environment.folder.exists() and not works:
        raise SystemExit("set-up: .venv has no working Python from 3.11 on; move it away, then repeat")
    elif works:
        return
    environment.folder.mkdir()
    environment.remember(first.name, UNFINISHED)
    # `python3` may be the one in the .venv that is made anew.
    outside = getattr(sys, "_base_executable", sys.executable)
    if subprocess.run([outside, "-m", "venv", environment.folder], check=False).returncode:
        shutil.rmtree(environment.folder)
        raise SystemExit("set-up: no .venv could be made; on Debian or Ubuntu: apt-get install python3-venv")


def say(text: str) -> None:
    sys.stdout.write(f"set-up: {text}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> None:
    """Do what is not done yet, and say how long each part took."""
    turn = os.open(ROOT, os.O_RDONLY)  # held until this process ends: two set-ups at once take turns
    fcntl.flock(turn, fcntl.LOCK_EX)
    environment = Environment(ROOT / ".venv")
    wanted = steps(environment, dev="--dev" in arguments)
    done = environment.done()
    if environment.python.exists() and all(done.get(step.name) == step.key for step in wanted):
        return
    prepare(environment, wanted[0])
    for step in wanted:
        if environment.done().get(step.name) == step.key:
            continue
        say(f"{step.name} ...")
        began = time.monotonic()
        environment.remember(step.name, UNFINISHED)
        try:
            step.run()
        except SystemExit:  # the command ended by itself and left nothing half-made
            environment.remember(step.name, None)
            raise
        environment.remember(step.name, step.key)
        say(f"{step.name} took {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
