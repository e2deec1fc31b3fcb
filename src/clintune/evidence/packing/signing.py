"""Signatures over the manifest of an evidence file, by `ssh-keygen -Y`: who, as what, meaning what, when."""

import json
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from clintune.errors import UserError
from clintune.evidence.packing.archive import read_archive, write_archive
from clintune.evidence.packing.assembling import MANIFEST
from clintune.evidence.verification import verifier
from clintune.sealing.canonical import canonical

APPROVER = "approver"
_ROLE = "letters, digits and - only"


def sign(pack: Path, *, role: str, meaning: str, signer: str, key: Path) -> str:
    """Add a signature to an evidence file; give the name of its part. The manifest stays as it is.

    Raises UserError for an author who approves, a key that signed as somebody else, and what ssh-keygen says.
    """
    parts = read_archive(pack)
    if not role.replace("-", "").isalnum() or not meaning.strip():
        raise UserError("--role, --meaning", "a role and a meaning are wanted", f"of a role {_ROLE}")
    statement = {
        "key": fingerprint(key), "manifest_sha256": verifier.sha256(parts[MANIFEST]), "meaning": meaning,
        "role": role, "signed_at": datetime.now(UTC).isoformat(timespec="seconds"), "signer": signer,
    }  # fmt: skip
    signed = [json.loads(content) for path, content in parts.items() if is_statement(path)]
    expect_independent(statement, signed, authors=json.loads(parts[MANIFEST])["authors"])
    name = f"signatures/{len(signed) + 1:02}-{role}"
    content = canonical(statement)
    added = {f"{name}.json": content, f"{name}.sig": _signature(content, key)}
    write_archive(pack, {**parts, **added})
    return name


def expect_independent(
    statement: dict[str, str], signed: list[dict[str, str]], *, authors: list[str]
) -> None:
    """Who wrote it, or signed it as something else, does not approve it."""
    same_key = [one for one in signed if one["key"] == statement["key"]]
    if any(one["signer"] != statement["signer"] for one in same_key):
        problem = f"this key signed as {same_key[0]['signer']} before"
        raise UserError("--key", problem, "each signer has a key of their own")
    if statement["role"] == APPROVER and statement["signer"] in authors:
        raise UserError("--signer", f"{statement['signer']} is an author of it", "somebody else approves")
    others = {one["role"] for one in same_key} - {statement["role"]}
    if others and APPROVER in {statement["role"], *others}:
        raise UserError("--role", f"{statement['signer']} signed in another role", "somebody else approves")


def is_statement(path: str) -> bool:
    """Whether this part says who signed."""
    return path.startswith("signatures/") and path.endswith(".json")


def fingerprint(key: Path) -> str:
    """The SHA-256 of the public key, as ssh-keygen prints it."""
    return _ssh_keygen(key, "-l", "-f", str(key)).split()[1]


def _signature(content: bytes, key: Path) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "statement")
        file.write_bytes(content)
        _ssh_keygen(key, "-Y", "sign", "-f", str(key), "-n", verifier.NAMESPACE, str(file))
        return file.with_suffix(".sig").read_bytes()


def _ssh_keygen(key: Path, *arguments: str) -> str:
    if shutil.which("ssh-keygen") is None:
        raise UserError("ssh-keygen", "not on this machine", "install OpenSSH's client")
    if not key.is_file():
        raise UserError(str(key), "no such key", "ssh-keygen -t ed25519 makes one")
    done = subprocess.run(["ssh-keygen", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise UserError(str(key), f"ssh-keygen refuses it ({''.join(said)})", "name a private key of yours")
    return done.stdout
