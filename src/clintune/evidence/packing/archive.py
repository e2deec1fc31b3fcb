"""One file that is the same to the byte whenever its parts are: sorted, stored, without a date."""

import fcntl
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from clintune.errors import UserError
from clintune.evidence.verification import verifier
from clintune.files import whole_file

MANIFEST = "manifest.json"

_NO_DATE = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16
_UNIX = 3
_NEXT = "name what `clintune pack` wrote"


def write_archive(path: Path, parts: Mapping[str, bytes]) -> None:
    """Write a ZIP archive; nothing is compressed, for versions of zlib differ. Raises UserError."""
    try:
        with whole_file(path) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
            for name in sorted(parts):
                entry = zipfile.ZipInfo(name, _NO_DATE)
                entry.external_attr, entry.create_system = _MODE, _UNIX
                archive.writestr(entry, parts[name])
    except OSError as error:
        raise UserError(str(path), f"cannot be written ({error.strerror})", "name another file") from None


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody else signs or packs it meanwhile: of two who read the same file, one would lose what he wrote.

    Where it cannot be locked, the moment between reading and writing is left.
    """
    with ExitStack() as held:
        with suppress(OSError):
            while not _is_locked(path, held):
                pass
        yield


def _is_locked(path: Path, held: ExitStack) -> bool:
    """False where what was waited for is not what lies there by now: each write makes another file."""
    file = os.open(path, os.O_RDONLY)
    held.callback(os.close, file)
    fcntl.flock(file, fcntl.LOCK_EX)
    return os.path.samestat(os.fstat(file), path.stat())


def expect_unsigned(path: Path) -> None:
    """An evidence file is written over another one that nobody signed, and over nothing else.

    Raises UserError.
    """
    step = "name another file with -o, or move this one"
    if path.exists() and not path.is_file():  # nor a device: who may do all would have a file for /dev/null
        raise UserError(str(path), "cannot be written (it is there, and no file)", step)
    if not path.exists():
        return
    try:
        parts = read_archive(path)
    except UserError:
        raise UserError(str(path), "is there already, and is no evidence file", step) from None
    if any(map(verifier.SIGNATURE.fullmatch, parts)):
        raise UserError(str(path), "is there already, and was signed: its signatures would be lost", step)


def read_archive(path: Path) -> dict[str, bytes]:
    """The parts of an evidence file, packed or unpacked. Raises UserError if it is none."""
    try:
        parts = verifier.read_parts(path)
    except FileNotFoundError:
        raise UserError(str(path), "no such file", _NEXT) from None
    except (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile) as error:  # a password, too
        raise UserError(str(path), f"no evidence file ({type(error).__name__}: {error})", _NEXT) from None
    if MANIFEST not in parts:
        raise UserError(str(path), f"no evidence file: {MANIFEST} is not in it", _NEXT)
    return parts
