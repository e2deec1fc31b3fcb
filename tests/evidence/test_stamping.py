"""Time stamps over signatures, by OpenSSL on both sides."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clintune.cli import main
from clintune.errors import UserError
from clintune.evidence.packing.archive import read_archive, write_archive
from clintune.evidence.packing.judging import judge_file
from clintune.evidence.packing.signing import sign
from tests.evidence.test_signing import APPROVED, pack
from tests.evidence.time_authority import Authority, serving

pytestmark = pytest.mark.skipif(
    None in (shutil.which("ssh-keygen"), shutil.which("openssl")),
    reason="ssh-keygen or openssl is not on this machine: one signs, the other stamps",
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "one")


@pytest.fixture
def key(tmp_path) -> Path:
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    return file


@pytest.fixture
def evidence(tmp_path) -> Path:
    return pack(tmp_path / "evidence.zip")


@pytest.fixture
def stamped(evidence, authority, key) -> Path:
    with serving(authority) as address:
        sign(evidence, **APPROVED, signer="reader@example.org", key=key, authority=address)
    return evidence


def found(file: Path, authority: Authority) -> list[tuple[str, str, str]]:
    findings = judge_file(file, authorities=authority.certificate).findings
    return [(one["place"], one["field"], one["found"]) for one in findings]


def test_a_stamp_says_when_by_whom_the_reviewer_trusts(stamped, authority):
    verdict = judge_file(stamped, authorities=authority.certificate)
    assert verdict.findings == []
    [line] = verdict.stamped
    path, at = line.split(": stamped at ")
    assert path == "signatures/01-approver.sig"
    assert abs(datetime.fromisoformat(at) - datetime.now(UTC)) < timedelta(minutes=5)
    assert line in verdict.lines()


def test_a_pack_with_a_stamp_is_whole_for_verify_py_too(stamped):
    assert judge_file(stamped).findings == []


def test_the_stamp_of_another_signature_is_none_of_this_one(stamped, authority, key):
    sign(stamped, role="reviewer", meaning="read", signer="reader@example.org", key=key)
    parts = read_archive(stamped)
    write_archive(stamped, {**parts, "signatures/02-reviewer.tsr": parts["signatures/01-approver.tsr"]})
    assert found(stamped, authority) == [
        (
            "signatures/02-reviewer.sig", "time stamp",
            "none of this signature by these authorities (message imprint mismatch)",
        )
    ]  # fmt: skip


def test_a_time_in_the_words_around_a_token_is_not_taken_for_its_own(stamped, authority):
    """RFC 3161 lets an answer say anything beside the token, which alone is signed."""
    parts = read_archive(stamped)
    answer = parts["signatures/01-approver.tsr"]
    granted = bytes.fromhex("3003020100")
    forged = _sequence(bytes.fromhex("020100") + _sequence(_utf8("x\nTime stamp: Jan  1 00:00:00 2020 GMT")))
    assert answer[4:9] == granted
    write_archive(stamped, {**parts, "signatures/01-approver.tsr": _sequence(forged + answer[9:])})
    verdict = judge_file(stamped, authorities=authority.certificate)
    assert verdict.findings == []
    assert "2020" not in "".join(verdict.stamped)


def _sequence(content: bytes) -> bytes:
    return b"\x30" + _length(content) + content


def _utf8(text: str) -> bytes:
    return b"\x0c" + _length(text.encode()) + text.encode()


def _length(content: bytes) -> bytes:
    """In DER: a byte, or how many bytes of it follow."""
    size = len(content)
    if size < 128:
        return bytes([size])
    packed = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([128 + len(packed)]) + packed


@pytest.mark.parametrize("content", [None, b"", b"\x30\x03\x02\x01\x00"])
def test_what_holds_no_certificate_is_one_line(stamped, tmp_path, content):
    file = tmp_path / "authorities"
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(UserError, match="no certificates in PEM"):
        judge_file(stamped, authorities=file)


def test_what_is_no_time_stamp_at_all_is_a_finding(stamped, authority):
    write_archive(stamped, {**read_archive(stamped), "signatures/01-approver.tsr": b"nonsense"})
    assert found(stamped, authority) == [("signatures/01-approver.sig", "time stamp", "no time stamp")]


def test_a_stamp_by_somebody_whom_the_reviewer_does_not_trust_is_none(stamped, tmp_path):
    [(path, field, problem)] = found(stamped, Authority(tmp_path / "another"))
    assert (path, field) == ("signatures/01-approver.sig", "time stamp")
    assert problem.startswith("none of this signature by these authorities (")


def test_a_signature_without_a_stamp_is_found_where_stamps_are_asked_for(evidence, authority, key):
    sign(evidence, **APPROVED, signer="reader@example.org", key=key)
    assert found(evidence, authority) == [("signatures/01-approver.sig", "time stamp", "nothing")]


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("http://127.0.0.1:9", "does not answer"),
        ("ftp://127.0.0.1", "no address of an authority"),
        ("file:///etc/hostname", "no address of an authority"),
        ("http://me:secret@127.0.0.1:9", "^http://127.0.0.1:9: no address of an authority"),
    ],
)
def test_an_authority_that_cannot_be_asked_is_one_line_and_nothing_is_signed(evidence, key, address, problem):
    before = evidence.read_bytes()
    with pytest.raises(UserError, match=problem):
        sign(evidence, **APPROVED, signer="reader@example.org", key=key, authority=address)
    assert evidence.read_bytes() == before


def test_an_authority_that_refuses_or_answers_nonsense_is_one_line(evidence, key, tmp_path, authority):
    only_long = Authority(tmp_path / "long", digests="sha512")
    token = authority.answer(_query(b"something else", tmp_path))
    said = {}
    for name, one, instead in (
        ("refusal", only_long, None), ("nonsense", authority, b"<html>"), ("other", authority, token)
    ):  # fmt: skip
        with serving(one, instead=instead) as address, pytest.raises(UserError) as caught:
            sign(evidence, **APPROVED, signer="reader@example.org", key=key, authority=address)
        said[name] = str(caught.value)
    assert "it stamps nothing (Rejected" in said["refusal"]
    assert "what came back is no time stamp" in said["nonsense"]
    assert "it stamped something else" in said["other"]


def _query(content: bytes, folder: Path) -> bytes:
    (folder / "content").write_bytes(content)
    command = ["openssl", "ts", "-query", "-data", "content", "-sha256", "-cert", "-out", "query"]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    return (folder / "query").read_bytes()


def test_the_commands_sign_with_a_stamp_and_ask_for_it(evidence, authority, key, capsys):
    with serving(authority) as address:
        code = main([
            "sign", str(evidence), "--role", "approver", "--meaning", "approved", "--name", "r@example.org",
            "--key", str(key), "--timestamp", address,
        ])  # fmt: skip
    assert code == 0
    capsys.readouterr()
    assert main(["verify", "--pack", str(evidence), "--authorities", str(authority.certificate)]) == 0
    assert "signatures/01-approver.sig: stamped at " in capsys.readouterr().out
