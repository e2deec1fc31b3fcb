"""Signatures over the manifest of an evidence file, by `ssh-keygen -Y`: who, as what, meaning what, when."""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from clintune.errors import UserError
from clintune.evidence.git import asked
from clintune.evidence.packing.archive import MANIFEST, alone, read_archive, write_archive
from clintune.evidence.packing.judging import expect_ssh_keygen
from clintune.evidence.packing.stamping import stamp
from clintune.evidence.verification import verifier
from clintune.sealing.canonical import canonical

AUTHOR, APPROVER = "author", "approver"


def sign(pack: Path, *, role: str, meaning: str, signer: str, key: Path, authority: str | None = None) -> str:
    """Add a signature to an evidence file; give the name of its part. The manifest stays as it is.

    `authority`: the address of one that stamps the time (RFC 3161), or none.

    Raises UserError for an author who approves, a key that signed as somebody else, a file whose parts are
    not those of its manifest, what ssh-keygen says, and an authority that stamps nothing.
    """
    if pack.is_dir():
        raise UserError(str(pack), "a folder: signatures are added to the file", "name the evidence file")
    parts = read_archive(pack)
    expect_whole(pack, parts)
    if not re.fullmatch(r"[a-z0-9-]+", role) or not meaning.strip():
        problem = "a role and a meaning are wanted"
        raise UserError("--role, --meaning", problem, "of a role: small letters, digits and - only")
    expect_ssh_keygen()
    statement = {
        "key": fingerprint(key), "manifest_sha256": verifier.sha256(parts[MANIFEST]), "meaning": meaning,
        "role": role, "signed_at": datetime.now(UTC).isoformat(timespec="seconds"), "signer": signer,
    }  # fmt: skip
    expect_independent(statement, _signed(parts), authors=_authors(parts))
    content = canonical(statement)
    added = {"json": content, "sig": _signature(content, key)}
    if authority is not None:
        added["tsr"] = stamp(added["sig"], authority)
    return _add(pack, statement, added)


def _add(pack: Path, statement: Mapping[str, str], added: Mapping[str, bytes]) -> str:
    """To what lies there by now: others sign, too, while somebody types a passphrase or waits for a stamp."""
    with alone(pack):
        parts = read_archive(pack)
        if verifier.sha256(parts[MANIFEST]) != statement["manifest_sha256"]:
            raise UserError(str(pack), "was packed anew while you signed", "look at it again, then sign")
        expect_independent(statement, _signed(parts), authors=_authors(parts))
        name = f"signatures/{_next(_stems(parts)):02}-{statement['role']}"
        write_archive(pack, {**parts, **{f"{name}.{end}": one for end, one in added.items()}})
    return name


def _stems(parts: Iterable[str]) -> list[str]:
    """The names of the signatures, without their ends."""
    return sorted({path.rpartition(".")[0] for path in parts if verifier.SIGNATURE.fullmatch(path)})


def _signed(parts: Mapping[str, bytes]) -> list[dict[str, str]]:
    """What was signed before, as far as it is a statement."""
    said = [verifier.parsed(parts.get(f"{stem}.json", b"")) for stem in _stems(parts)]
    return [
        one for one in said
        if one.keys() == verifier.STATEMENT and all(isinstance(text, str) for text in one.values())
    ]  # fmt: skip


def expect_whole(pack: Path, parts: Mapping[str, bytes]) -> None:
    """Nobody puts a name to a file whose parts are not those of its manifest."""
    try:
        manifest = json.loads(parts[MANIFEST])
        listed = {path: one["sha256"] for path, one in manifest["parts"].items()}
        list(manifest["authors"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UserError(f"{pack}: {MANIFEST}", "no manifest of an evidence file", "clintune pack") from None
    there = {
        path: verifier.sha256(content)
        for path, content in parts.items()
        if path != MANIFEST and not verifier.SIGNATURE.fullmatch(path)
    }
    for path in sorted(listed.keys() | there.keys()):
        if listed.get(path) != there.get(path):
            problem = "not the part that the manifest names"
            raise UserError(f"{pack}: {path}", problem, "clintune verify --pack says more; pack it anew")


def _authors(parts: Mapping[str, bytes]) -> set[str]:
    """Those whom the judge holds for authors: of the commits, and of every run in the ledger."""
    records = [verifier.parsed(one) for path, one in parts.items() if path.startswith("ledger/records/")]
    made = {str(record["by"]) for record in records if record.get("by")}
    return {*map(str, json.loads(parts[MANIFEST])["authors"]), *made}


def expect_independent(
    statement: Mapping[str, str], signed: Iterable[Mapping[str, str]], *, authors: Iterable[str]
) -> None:
    """Who wrote it, or signed it as something else, does not approve it."""
    signer, roles, earlier = statement["signer"], _parts(statement["role"]), list(signed)
    who = _named(signer)
    for one in earlier:
        if one["key"] == statement["key"] and one["signer"] != signer:
            problem = f"this key signed as {one['signer']} before"
            raise UserError("--key", problem, "each signer has a key of their own")
    if APPROVER in roles and who in map(_named, authors):
        raise UserError("--name", f"{signer} is an author of it", "somebody else approves")
    own = (one for one in earlier if _named(one["signer"]) == who)
    for other in (one["role"] for one in own):
        if (AUTHOR, APPROVER) in {*product(roles, _parts(other)), *product(_parts(other), roles)}:
            raise UserError("--role", f"{signer} signed as {other}", "somebody else approves")


def _parts(role: str) -> list[str]:
    """A final-approver approves, and so does approver2, as the judge reads it."""
    return verifier.DASHED.split(role.casefold())


def _named(signer: str) -> str:
    """One name for one person, as the judge compares them."""
    return signer.strip().casefold()


def fingerprint(key: Path) -> str:
    """The SHA-256 of the public key, as ssh-keygen prints it."""
    return _ssh_keygen(key, "-l", "-f", str(key)).split()[1]


def name_of_signer(root: Path) -> str:
    """The address that git knows this user by. Raises UserError where it knows none."""
    address = (asked(root, "config", "user.email") or b"").decode().strip()
    if not address:
        raise UserError(
            "--name", "git does not know who you are", "name yourself as the list of signers does"
        )
    return address


def _next(stems: Iterable[str]) -> int:
    return max((int(stem.split("/")[1].split("-")[0]) for stem in stems), default=0) + 1


def _signature(content: bytes, key: Path) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "statement")
        file.write_bytes(content)
        _ssh_keygen(key, "-Y", "sign", "-f", str(key), "-n", verifier.NAMESPACE, str(file))
        return file.with_suffix(".sig").read_bytes()


def _ssh_keygen(key: Path, *arguments: str) -> str:
    if not key.is_file():
        raise UserError(str(key), "no such key", "ssh-keygen -t ed25519 makes one")
    done = subprocess.run(["ssh-keygen", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise UserError(str(key), f"ssh-keygen refuses it ({''.join(said)})", "name a private key of yours")
    return done.stdout
