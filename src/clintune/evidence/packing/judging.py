"""clintune verify --pack: what the judge says of an evidence file alone."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clintune.errors import UserError
from clintune.evidence.packing.archive import read_archive
from clintune.evidence.packing.stamping import judge_stamps
from clintune.evidence.verification import verifier


@dataclass(frozen=True, slots=True)
class PackVerdict:
    """What is not as it was sealed, and the statements of those who signed, the first first."""

    findings: Sequence[Mapping[str, str]]
    signed: Sequence[Mapping[str, str]]
    stamped: Sequence[str]
    last_words: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For a program to read: what verify.py says with --json, and when each signature was stamped."""
        return {
            "findings": list(self.findings), "signed": list(self.signed), "stamped": list(self.stamped)
        }  # fmt: skip

    def lines(self) -> list[str]:
        """For a person: what verify.py says."""
        last = [line for words in self.last_words for line in words.split("\n")]
        return [*(verifier.shown(dict(one)) for one in self.findings), *self.stamped, *last]


def judge_file(
    path: Path, *, files: Path | None = None, signers: Path | None = None, authorities: Path | None = None
) -> PackVerdict:
    """Judge it, with what was delivered below `files` and with the list of those who may sign.

    With `authorities`, the certificates of those who may stamp the time, each signature needs a stamp.

    Raises UserError where it is no evidence file, or there is nothing to check its signatures with.
    """
    for named in filter(None, (files, signers, authorities)):
        if not named.exists():
            raise UserError(str(named), "no such file or folder", "name one that is there")
    parts = read_archive(path)
    if any(map(verifier.SIGNATURE.fullmatch, parts)):
        expect_ssh_keygen()
    try:
        found, signed = verifier.judge_pack(parts, files, signers)
        wrong, stamped = judge_stamps(parts, authorities) if authorities is not None else ([], [])
        found += wrong
        last = tuple(verifier.last_words(parts, found, signed, signers is not None))
    except OSError as error:  # a link among what was delivered that leads to a folder, or nowhere
        step = "take it away, or make it readable"
        raise UserError(str(error.filename or files), f"cannot be read ({error.strerror})", step) from None
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
        problem = f"no evidence file ({type(error).__name__} in a part)"
        raise UserError(str(path), problem, "name what `clintune pack` wrote") from None
    return PackVerdict(found, signed, stamped, last)


def expect_ssh_keygen() -> None:
    """Raises UserError where it is not there: it makes signatures and checks them."""
    if shutil.which("ssh-keygen") is None:
        raise UserError("ssh-keygen", "not on this machine", "install OpenSSH's client")
