"""Time stamps over signatures: somebody else says that they were there by then (RFC 3161, `openssl ts`).

A signer's own clock proves nothing. An authority signs the SHA-256 of the signature together with its own
time; who trusts the authority's certificate can check that years later, without asking it.
"""

import hashlib
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path

from clintune.errors import UserError
from clintune.evidence.verification import verifier

_PATIENCE = 30
"""Seconds for an authority to answer."""
_ANOTHER = "name another authority with --timestamp, or sign without"
_LONGEST = 1_000_000
"""Bytes: its answer holds a signature and some certificates."""


def stamp(signature: bytes, authority: str) -> bytes:
    """The answer of the authority at this HTTP address: a token with its time and its certificate.

    Raises UserError where it does not answer, refuses, or answers about something else.
    """
    with tempfile.TemporaryDirectory() as scratch:
        query, reply = Path(scratch, "query.tsq"), Path(scratch, "reply.tsr")
        _openssl("-query", *_digest(signature), "-cert", "-out", str(query))
        answer = _asked(authority, query.read_bytes())
        reply.write_bytes(answer)
        text = _openssl("-reply", "-in", str(reply), "-text")
    said = re.search(r"^Status: (.*)$", text, re.MULTILINE)
    if said is None or not said[1].startswith("Granted"):
        raise UserError(authority, f"it stamps nothing ({said[1] if said else 'no status'})", _ANOTHER)
    if hashlib.sha256(signature).digest() not in answer:
        raise UserError(authority, "it stamped something else", _ANOTHER)
    return answer


def judge_stamps(parts: Mapping[str, bytes], authorities: Path) -> tuple[list[verifier.Finding], list[str]]:
    """What is wrong with the stamps, one of which each signature needs; in words, when each was stamped.

    `authorities`: the certificates that the reviewer trusts, PEM.
    """
    found, said = list[verifier.Finding](), list[str]()
    for path in sorted(one for one in parts if one.startswith("signatures/") and one.endswith(".sig")):
        token = parts.get(f"{path.removesuffix('.sig')}.tsr")
        at = None if token is None else _stamped_at(parts[path], token, authorities)
        if at is None:
            seen = "nothing" if token is None else "none of this signature by these authorities"
            found.append(verifier.finding("signature", path, "time stamp", "one", seen))
        else:
            said.append(f"{path}: stamped at {at}")
    return found, said


def _stamped_at(signature: bytes, token: bytes, authorities: Path) -> str | None:
    with tempfile.TemporaryDirectory() as scratch:
        reply = Path(scratch, "reply.tsr")
        reply.write_bytes(token)
        command = ["-verify", *_digest(signature)[:2], "-in", str(reply), "-CAfile", str(authorities)]
        if _run(*command).returncode != 0:
            return None
        text = _openssl("-reply", "-in", str(reply), "-text")
    found = re.search(r"^Time stamp: (.*)$", text, re.MULTILINE)
    return found[1] if found else None


def _digest(signature: bytes) -> tuple[str, str, str]:
    return "-digest", verifier.sha256(signature), "-sha256"


def _asked(authority: str, query: bytes) -> bytes:
    if not authority.startswith(("http://", "https://")):
        raise UserError(f"--timestamp {authority}", "no address of an authority", "http://… or https://…")
    headers = {"Content-Type": "application/timestamp-query"}
    request = urllib.request.Request(authority, data=query, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            content = answer.read(_LONGEST)
    except (urllib.error.URLError, OSError, HTTPException, ValueError) as error:
        raise UserError(
            authority, f"it does not answer ({getattr(error, 'reason', error)})", _ANOTHER
        ) from None
    assert isinstance(content, bytes)
    return content


def _openssl(*arguments: str) -> str:
    done = _run(*arguments)
    if done.returncode != 0:
        raise UserError("--timestamp", "what came back is no time stamp", _ANOTHER)
    return done.stdout.decode(errors="replace")


def _run(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    if shutil.which("openssl") is None:
        raise UserError(
            "openssl", "not on this machine", "install it: it asks for time stamps and checks them"
        )
    return subprocess.run(["openssl", "ts", *arguments], capture_output=True, check=False)
