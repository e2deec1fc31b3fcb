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
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path

from clintune.errors import UserError
from clintune.evidence.verification import verifier
from clintune.tracking.home import without_password

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
        _openssl("-query", *_over(signature), "-sha256", "-cert", "-out", str(query))
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
    _expect_certificates(authorities)
    found, said = list[verifier.Finding](), list[str]()
    for path in sorted(one for one in parts if one.startswith("signatures/") and one.endswith(".sig")):
        answer = parts.get(f"{path.removesuffix('.sig')}.tsr")
        problem, at = ("nothing", None) if answer is None else _stamped(parts[path], answer, authorities)
        if at is None:
            found.append(verifier.finding("signature", path, "time stamp", "one", problem))
        else:
            said.append(f"{path}: stamped at {at.isoformat()}")
    return found, said


def _expect_certificates(authorities: Path) -> None:
    if not authorities.is_file() or b"-----BEGIN" not in authorities.read_bytes():
        step = "openssl x509 -inform DER makes PEM of another form"
        raise UserError(str(authorities), "no certificates in PEM", step)


def _stamped(signature: bytes, answer: bytes, authorities: Path) -> tuple[str, datetime | None]:
    """Why it is no stamp of this signature by these authorities; or nothing, and when it was made.

    The time is read from the token, which is signed: the answer around it has room for any text. Certificates
    have to be good at that time, and may have expired since.
    """
    with tempfile.TemporaryDirectory() as scratch:
        reply, token = Path(scratch, "reply.tsr"), Path(scratch, "token")
        reply.write_bytes(answer)
        if _run("-reply", "-in", str(reply), "-token_out", "-out", str(token)).returncode != 0:
            return "no time stamp", None
        told = _run("-reply", "-in", str(token), "-token_in", "-text").stdout.decode(errors="replace")
        at = _moment(told)
        if at is None:
            return "no time stamp", None
        then = ["-attime", str(int(at.timestamp()))]
        where = ["-in", str(token), "-token_in", "-CAfile", str(authorities)]
        done = _run("-verify", *_over(signature), *where, *then)
    if done.returncode != 0:
        return f"none of this signature by these authorities ({_reason(done.stderr)})", None
    return "", at


def _moment(text: str) -> datetime | None:
    """As OpenSSL prints it: `Nov 27 08:00:00.5 2026 GMT`, with or without a fraction."""
    found = re.search(r"^Time stamp: (\w+ +\d+ [\d:]+)(?:\.\d+)? (\d+) GMT$", text, re.MULTILINE)
    if found is None:
        return None
    return datetime.strptime(f"{found[1]} {found[2]}", "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)


def _reason(said: bytes) -> str:
    """What OpenSSL's last line of a complaint says, after its codes."""
    lines = said.decode(errors="replace").strip().splitlines()
    words = [word for line in lines for word in line.split(":") if " " in word and "/" not in word]
    return words[-1] if words else "no reason given"


def _over(signature: bytes) -> tuple[str, str]:
    return "-digest", verifier.sha256(signature)


def _asked(authority: str, query: bytes) -> bytes:
    if not authority.startswith(("http://", "https://")) or without_password(authority) != authority:
        problem = "no address of an authority"
        raise UserError(without_password(authority), problem, "http://… or https://…, without a password")
    headers = {"Content-Type": "application/timestamp-query"}
    request = urllib.request.Request(authority, data=query, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            content = answer.read(_LONGEST)
    except (urllib.error.URLError, OSError, HTTPException, ValueError) as error:
        raise UserError(
            authority, f"it does not answer ({getattr(error, 'reason', error)})", _ANOTHER
        ) from None
    return bytes(content)


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
