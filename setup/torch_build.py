"""Install torch, as the build that fits this machine. Runs in .venv after the lock files are installed.

Hashes cannot cover torch. One version has several builds: the package index gives x86-64 Linux the CUDA
build, which brings about 3 GB of CUDA packages; the CPU build of the same version lies elsewhere, in an index
of its own or in a folder that the user's pip configuration names. So the version is pinned in pyproject.toml
and the file is chosen here: pip is asked what it would take and what that needs, which an index that serves
metadata answers without a download.

CLINTUNE_TORCH=pip takes whatever pip takes, with all it needs; CLINTUNE_TORCH=cpu insists on the CPU build.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
CUDA = re.compile(r"(nvidia|cuda)-.*|triton")
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def pinned(pyproject: Path) -> str:
    """The version of torch in pyproject.toml."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    (found,) = (one for one in map(Requirement, project["dependencies"]) if one.name == "torch")
    return str(found.specifier).removeprefix("==")


def installed() -> str | None:
    """The version of torch in this environment, without its build (`+cpu`)."""
    try:
        return version("torch").partition("+")[0]
    except PackageNotFoundError:
        return None


def asked(wanted: str) -> dict[str, object]:
    """The report of pip on the one file that it would install as torch."""
    command = [
        *PIP,
        "install",
        "-qq",
        "--dry-run",
        "--no-deps",
        "--ignore-installed",
        "--report",
        "-",
        wanted,
    ]
    answer = subprocess.run(command, check=False, stdout=subprocess.PIPE)
    if answer.returncode:
        stop(f"pip finds no {wanted} for this machine (its message is above)")
    report: dict[str, object] = json.loads(answer.stdout)["install"][0]
    return report


def cuda_packages(requirements: Iterable[str]) -> list[str]:
    """Those that a build of torch wants on this machine and that are CUDA's."""
    needed = [Requirement(text) for text in requirements]
    here = [one for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return sorted(one.name for one in here if CUDA.fullmatch(one.name))


def has_gpu() -> bool:
    """Whether an NVIDIA driver is at work."""
    return shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia/version").exists()


def plan(choice: str, cuda: list[str], *, gpu: bool) -> list[str]:
    """The command, but for the requirement: pip alone, pip with CUDA, or uv, which knows the CPU index."""
    if choice == "pip" or (choice == "auto" and cuda and gpu):
        return [*PIP, "install", "-qq"]
    if cuda:
        uv = str(Path(sys.executable).with_name("uv"))
        return [
            uv, "pip", "install", "-qq", "--python", sys.executable, "--no-deps", "--torch-backend", "cpu",
        ]  # fmt: skip
    return [*PIP, "install", "-qq", "--no-deps"]


def stop(problem: str) -> None:
    raise SystemExit(
        f"set-up: {problem}; put a CPU build in a folder that pip's find-links names, "
        "or take the CUDA build (about 3 GB) with CLINTUNE_TORCH=pip, then repeat"
    )


def main() -> None:
    choice = os.environ.get("CLINTUNE_TORCH", "auto")
    if choice not in {"auto", "pip", "cpu"}:
        raise SystemExit(f"set-up: CLINTUNE_TORCH is {choice!r}; it should be auto, pip or cpu")
    pin = pinned(ROOT / "pyproject.toml")
    if installed() == pin:
        if choice == "auto":
            return
        subprocess.run([*PIP, "uninstall", "-qq", "-y", "torch"], check=True)
    wanted = f"torch=={pin}"
    report = asked(wanted)
    metadata = report["metadata"]
    assert isinstance(metadata, dict)
    cuda = cuda_packages(metadata.get("requires_dist", []))
    command = plan(choice, cuda, gpu=has_gpu())
    if subprocess.run([*command, wanted], check=False).returncode:
        stop(f"no CPU build of {wanted} could be had (the message is above)" if cuda else "pip failed")


if __name__ == "__main__":
    main()
