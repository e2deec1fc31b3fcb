"""One file that is the same to the byte whenever its parts are: sorted, stored, without a date."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

from clintune.errors import UserError
from clintune.evidence.verification import verifier
from clintune.files import whole_file

_NO_DATE = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16
_UNIX = 3


def write_archive(path: Path, parts: Mapping[str, bytes]) -> None:
    """Write a ZIP archive; nothing is compressed, for versions of zlib differ."""
    with whole_file(path) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(parts):
            entry = zipfile.ZipInfo(name, _NO_DATE)
            entry.external_attr, entry.create_system = _MODE, _UNIX
            archive.writestr(entry, parts[name])


def read_archive(path: Path) -> dict[str, bytes]:
    """The parts of an evidence file, packed or unpacked. Raises UserError if it is none."""
    try:
        parts = verifier.read_parts(path)
    except FileNotFoundError:
        raise UserError(str(path), "no such file", "name what `clintune pack` wrote") from None
    except (OSError, zipfile.BadZipFile) as error:
        problem = f"no evidence file ({type(error).__name__})"
        raise UserError(str(path), problem, "name what `clintune pack` wrote") from None
    missing = {"manifest.json", "observed.json", "ledger/ledger.jsonl"} - parts.keys()
    if missing:
        problem = f"no evidence file: {min(missing)} is not in it"
        raise UserError(str(path), problem, "name what `clintune pack` wrote")
    return parts


def judged(path: Path, *, files: Path | None, signers: Path | None) -> tuple[list[dict[str, str]], list[str]]:
    """What is not as it was sealed, and who signed it. Raises UserError if it is no evidence file."""
    for named in (files, signers):
        if named is not None and not named.exists():
            raise UserError(str(named), "no such file or folder", "name one that is there")
    parts = read_archive(path)
    try:
        findings = verifier.judge_pack(parts, files, signers)
    except (ValueError, KeyError, TypeError) as error:
        problem = f"no evidence file ({type(error).__name__} in a part)"
        raise UserError(str(path), problem, "name what `clintune pack` wrote") from None
    return findings, list(verifier.last_words(parts, findings, signers))
