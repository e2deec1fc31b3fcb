"""What a result rests on besides inputs and code: the installed packages, the processor, who started it."""

import getpass
import hashlib
import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NOTES = (".dist-info/INSTALLER", ".dist-info/REQUESTED", ".dist-info/direct_url.json")
"""What an installer writes about itself."""


def packages(search_path: Iterable[str] = ()) -> list[str]:
    """`name==version` of every installed distribution, sorted. The first one on the path counts."""
    return [f"{name}=={info.stem.rpartition('-')[2]}" for name, info in _installed(search_path)]


def distributions() -> dict[str, dict[str, str]]:
    """Of every installed distribution the version, and the SHA-256 of its list of files with their sums."""
    return {
        name: {"version": info.stem.rpartition("-")[2], "record_sha256": _files_sha256(info / "RECORD")}
        for name, info in _installed()
    }


def _files_sha256(record: Path) -> str:
    """Empty where a distribution came without the list, as those of an operating system do.

    Lines that say where and how it was installed, not what, are left out: scripts with the interpreter's path
    in them, compiled files (which have no sum), the installer's notes.
    """
    if not record.exists():
        return ""
    lines = record.read_text(encoding="utf-8").splitlines()
    return text_sha256("\n".join(sorted(line for line in lines if _is_content(line))))


def _is_content(line: str) -> bool:
    name, _, rest = line.partition(",")
    return not name.startswith("../") and "sha256=" in rest and not name.endswith(_NOTES)


def _installed(search_path: Iterable[str] = ()) -> list[tuple[str, Path]]:
    # importlib.metadata opens every METADATA file (0.3 s for 200); the folder names say the same.
    found: dict[str, Path] = {}
    for folder in search_path or sys.path:
        for info in Path(folder).glob("*.dist-info"):
            found.setdefault(info.stem.rpartition("-")[0].replace("_", "-").lower(), info)
    return sorted(found.items())


def python() -> str:
    """The interpreter's version."""
    return platform.python_version()


def environment() -> dict[str, Any]:
    """The interpreter and the distributions, as a record of a stage has them."""
    return {"python": python(), "distributions": distributions()}


def environment_text() -> str:
    """The interpreter and the packages, one per line."""
    return "\n".join([f"python=={python()}", *packages()]) + "\n"


def text_sha256(text: str) -> str:
    """SHA-256 of the text in UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Processor:
    """The CPU: bits of a result repeat only where the flags (and the rest of the numeric class) do."""

    name: str
    flags_sha256: str


def processor() -> Processor:
    """What the kernel says of the first CPU; name and flags are empty where it says nothing."""
    facts: dict[str, str] = {}
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().split("\n\n", 1)[0].splitlines():
            key, _, value = line.partition(":")
            facts[key.strip()] = value.strip()
    flags = " ".join(sorted(facts.get("flags", facts.get("Features", "")).split()))
    return Processor(facts.get("model name", platform.machine()), text_sha256(flags))


def user() -> str:
    """Who started this; `unknown` in a container without a name for the user id."""
    try:
        return getpass.getuser().encode(errors="backslashreplace").decode()  # a variable may hold any bytes
    except (KeyError, OSError):
        return "unknown"
