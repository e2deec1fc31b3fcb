"""Write the lock files from pyproject.toml: every package at one version, every file by its hash.

`make lock` keeps the versions that still fit; `make lock ARGS='--upgrade-package numpy'` passes options on.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOT_LOCKED = re.compile(r"torch|triton|nvidia-.*|cuda-.*")  # setup/torch_build.py says why
OVERRIDES = {"requirements-dev.lock": "rich>=13.9\n"}
"""roc-validator asks for rich<14, for its command line; the rest of it works with that of the first lock."""
HEADERS = {
    "requirements.lock": "What clintune needs to run, but for torch: see setup/torch_build.py.",
    "requirements-dev.lock": "What its tests and checks need besides.",
    "requirements-setup.lock": "What sets up .venv.",
}


def resolve(lock: str, sources: list[str], options: list[str]) -> dict[str, str]:
    """The lines that pin each package, by name and version, as uv resolves them."""
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder, lock)
        if (ROOT / lock).exists():
            shutil.copy(ROOT / lock, draft)  # uv keeps the versions that it finds in its output
        overrides = Path(folder, "overrides")
        overrides.write_text(OVERRIDES.get(lock, ""), encoding="utf-8")
        command = [
            str(Path(sys.executable).with_name("uv")), "pip", "compile", *sources, "--universal",
            "--fork-strategy", "fewest", "--generate-hashes", "--python-version", "3.11", "--no-header",
            "--quiet", "--override", str(overrides), "--output-file", str(draft), *options,
        ]  # fmt: skip
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return blocks(draft.read_text(encoding="utf-8"))


def blocks(text: str) -> dict[str, str]:
    """`name==version` and its marker -> the lines of a lock file that pin it."""
    parts = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    return {part.split(" \\")[0]: part for part in parts if "==" in part.split("\n")[0]}


def write(lock: str, pinned: dict[str, str]) -> None:
    """The file, with a first line that says what it is for and how it is made."""
    kept = [lines for pin, lines in pinned.items() if not NOT_LOCKED.fullmatch(pin.split("==")[0])]
    header = f"# {HEADERS[lock]} Made by `make lock` from pyproject.toml.\n"
    (ROOT / lock).write_text(header + "".join(kept), encoding="utf-8")
    sys.stdout.write(f"{lock}: {len(kept)} packages\n")


def main(options: list[str]) -> None:
    """All three files; the second and third agree with the first."""
    first = "requirements.lock"
    needed = resolve(first, ["pyproject.toml"], options)
    write(first, needed)
    for group in ("setup", "dev"):
        lock = f"requirements-{group}.lock"
        pinned = resolve(lock, ["--group", group, "--constraints", first], options)
        again = {pin.split(" ")[0] for pin in needed} if group == "dev" else set()
        write(lock, {pin: lines for pin, lines in pinned.items() if pin.split(" ")[0] not in again})


if __name__ == "__main__":
    main(sys.argv[1:])
