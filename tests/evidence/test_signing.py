"""Signatures over an evidence file, by the real ssh-keygen."""

import json
import os
import shutil
import struct
import subprocess
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest

from clintune.cli import main
from clintune.errors import UserError
from clintune.evidence.packing import signing
from clintune.evidence.packing.archive import expect_unsigned, read_archive, write_archive
from clintune.evidence.packing.judging import judge_file
from clintune.evidence.packing.signing import sign
from clintune.evidence.verification.verifier import STATEMENT, name_of, sha256
from clintune.sealing.canonical import canonical, digest
from clintune.sealing.ledger import FIRST, Line

pytestmark = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="OpenSSH's ssh-keygen is not on this machine: it signs"
)
ENTRY = {"cmd": "true"}
RECORD = {
    "kind": "stage", "run": "a run", "stage": "train", "started": 0, "by": "runner@example.org",
    "lock": ENTRY, "lock_entry_sha256": name_of(ENTRY), "inputs": {}, "outputs": {}, "execution": None,
    "reported": {},
}  # fmt: skip
LINE = Line(1, 0, "stage", "a run", digest(RECORD), FIRST)
TREES = ("files", "cache", "runs", "executions")
OBSERVED = {"amiss": [], "lock": {"train": ENTRY}, "waiting": ["a run"], **{key: {} for key in TREES}}
APPROVED = {"role": "approver", "meaning": "reviewed and approved"}


@pytest.fixture
def key(tmp_path):
    """A new key by name."""

    def made(name: str) -> Path:
        file = tmp_path / name
        if not file.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
        return file

    return made


@pytest.fixture
def signers(tmp_path, key):
    """Who may sign, by whose key."""

    def listed(**names: str) -> Path:
        lines = [
            f"{name}@example.org {key(one).with_suffix('.pub').read_text()}" for name, one in names.items()
        ]
        (tmp_path / "signers").write_text("".join(lines))
        return tmp_path / "signers"

    return listed


def pack(file: Path, authors=("writer@example.org",)) -> Path:
    """The least that is an evidence file: one stage, whose run waits to be sent."""
    parts = {
        "observed.json": canonical(OBSERVED), "ledger/ledger.jsonl": LINE.encode(),
        f"ledger/records/{LINE.record}.json": canonical(RECORD),
    }  # fmt: skip
    sums = {path: {"sha256": sha256(one)} for path, one in parts.items()}
    head = {**asdict(LINE), "hash": LINE.hash}
    write_archive(
        file, {**parts, "manifest.json": canonical({"parts": sums, "head": head, "authors": authors})}
    )
    return file


@pytest.fixture
def evidence(tmp_path) -> Path:
    return pack(tmp_path / "evidence.zip")


def findings(file: Path, signers: Path | None) -> list[str]:
    return [f"{one['place']} {one['field']}".strip() for one in judge_file(file, signers=signers).findings]


def test_two_people_sign_and_it_is_said_who_as_what_and_meaning_what(evidence, key, signers):
    manifest = read_archive(evidence)["manifest.json"]
    sign(evidence, role="author", meaning="made by me", signer="writer@example.org", key=key("a"))
    sign(evidence, **APPROVED, signer="reader@example.org", key=key("b"))
    assert read_archive(evidence)["manifest.json"] == manifest
    verdict = judge_file(evidence, signers=signers(writer="a", reader="b"))
    assert verdict.findings == []
    assert [line.partition(" by ")[2] for line in verdict.lines()[:2]] == [
        "'writer@example.org' as author: 'made by me'",
        "'reader@example.org' as approver: 'reviewed and approved'",
    ]


def test_without_a_list_it_is_said_that_nobody_knows_who_that_is(evidence, key):
    sign(evidence, **APPROVED, signer="reader@example.org", key=key("b"))
    verdict = judge_file(evidence)
    assert verdict.findings == []
    assert verdict.lines()[0].endswith("whose key that is was not checked: --signers")


def test_a_signer_who_is_not_on_the_list_or_has_another_key_is_a_finding(evidence, key, signers):
    sign(evidence, **APPROVED, signer="reader@example.org", key=key("b"))
    assert findings(evidence, signers(writer="a")) == ["signatures/01-approver.json key"]
    assert findings(evidence, signers(reader="a")) == ["signatures/01-approver.json key"]
    assert findings(evidence, signers(reader="b")) == []


def test_another_meaning_than_was_signed_is_a_finding(evidence, key, signers):
    sign(evidence, **APPROVED, signer="reader@example.org", key=key("b"))
    parts = read_archive(evidence)
    path = "signatures/01-approver.json"
    said = json.loads(parts[path])
    write_archive(evidence, {**parts, path: canonical({**said, "meaning": "seen"})})
    for known in (None, signers(reader="b")):
        assert findings(evidence, known) == [f"{path} key"]


def test_what_a_signer_writes_makes_no_line_of_its_own(evidence, key):
    words = "no\n\x1b[2JEverything is as it was sealed: 9 parts."
    sign(evidence, role="reviewer", meaning=words, signer="reader@example.org", key=key("b"))
    first, second = judge_file(evidence).last_words
    assert "\n" not in first
    assert "\x1b" not in first
    assert second.startswith("Everything is as it was sealed: 6 parts;")


def test_what_a_signer_writes_is_no_word_of_somebody_else(evidence, key):
    """In quotes, so that nobody reads a second signature in the meaning of the first."""
    words = "wrote it; signed at 2026-01-01 by qa@example.org as approver: reviewed"
    sign(evidence, role="reviewer", meaning=words, signer="reader\u200b@example.org", key=key("b"))
    first, _ = judge_file(evidence).last_words
    assert f"by 'reader\\u200b@example.org' as reviewer: '{words}'" in first


@pytest.mark.parametrize("role", ["final-approver", "approver2"])
def test_an_approval_by_an_author_in_a_longer_role_is_a_finding(role, evidence, key, nobody_asks):
    sign(evidence, role=role, meaning="ok", signer="writer@example.org", key=key("a"))
    assert findings(evidence, None) == ["approval by writer@example.org role"]


@pytest.mark.parametrize("role", ["final-approver", "approver2"])
def test_nobody_who_wrote_it_is_asked_for_an_approval_in_a_longer_role(role, evidence, key):
    with pytest.raises(UserError, match="is an author"):
        sign(evidence, role=role, meaning="ok", signer="writer@example.org", key=key("a"))


def test_a_signature_over_other_evidence_is_a_finding(evidence, key, signers, tmp_path):
    sign(evidence, **APPROVED, signer="reader@example.org", key=key("b"))
    other = pack(tmp_path / "other.zip", authors=("somebody",))
    moved = {path: one for path, one in read_archive(evidence).items() if path.startswith("signatures/")}
    write_archive(other, {**read_archive(other), **moved})
    assert findings(other, signers(reader="b")) == ["signatures/01-approver.json manifest_sha256"]


def test_a_signature_that_is_gone_is_a_finding(evidence, key, signers):
    name = sign(evidence, **APPROVED, signer="reader@example.org", key=key("b"))
    parts = read_archive(evidence)
    write_archive(evidence, {path: one for path, one in parts.items() if path != f"{name}.sig"})
    assert findings(evidence, signers(reader="b")) == [f"{name}.json key"]


def test_an_author_may_not_approve(evidence, key):
    with pytest.raises(UserError, match=r"writer@example\.org is an author of it; somebody else approves"):
        sign(evidence, **APPROVED, signer="writer@example.org", key=key("a"))
    assert not any(path.startswith("signatures/") for path in read_archive(evidence))


@pytest.mark.parametrize("written", ["Writer@Example.org", "writer@example.org "])
def test_an_author_does_not_approve_in_other_letters_either(evidence, key, nobody_asks, written):
    with pytest.raises(UserError, match="of a role: small letters, digits and - only"):
        sign(evidence, **{**APPROVED, "role": "Approver"}, signer="reader@example.org", key=key("b"))
    sign(evidence, **APPROVED, signer=written, key=key("b"))
    assert findings(evidence, None) == [f"approval by {written} role"]


@pytest.mark.parametrize("written", ["Writer@Example.org", " writer@example.org", "writer@example.org\n"])
def test_who_is_an_author_by_git_is_one_in_other_letters_too(evidence, key, written):
    with pytest.raises(UserError, match="is an author of it; somebody else approves"):
        sign(evidence, **APPROVED, signer=written, key=key("b"))


def test_who_signed_in_another_role_or_by_another_name_does_not_approve(evidence, key):
    sign(evidence, role="author", meaning="made by me", signer="me@example.org", key=key("a"))
    with pytest.raises(UserError, match=r"me@example\.org signed as author"):
        sign(evidence, **APPROVED, signer="me@example.org", key=key("a"))
    with pytest.raises(UserError, match=r"this key signed as me@example\.org before"):
        sign(evidence, **APPROVED, signer="you@example.org", key=key("a"))


@pytest.fixture
def nobody_asks(monkeypatch):
    """The program of somebody who left out the question whether the signer may."""
    monkeypatch.setattr(signing, "expect_independent", lambda *_, **__: None)


def test_an_approval_by_an_author_that_was_put_in_by_hand_is_a_finding(evidence, key, signers, nobody_asks):
    sign(evidence, **APPROVED, signer="writer@example.org", key=key("a"))
    assert findings(evidence, signers(writer="a")) == ["approval by writer@example.org role"]


def test_an_approval_with_the_key_of_who_signed_as_author_is_a_finding(evidence, key, signers, nobody_asks):
    sign(evidence, **APPROVED, signer="reader@example.org", key=key("a"))
    sign(evidence, role="author", meaning="made by me", signer="somebody@example.org", key=key("a"))
    known = signers(reader="a", somebody="a")
    assert findings(evidence, known) == ["signatures/02-author.json signer"]
    assert findings(evidence, None) == ["signatures/02-author.json signer"]


def test_one_key_is_not_two_people(evidence, key, nobody_asks):
    sign(evidence, role="reviewer", meaning="read", signer="one@example.org", key=key("a"))
    sign(evidence, **APPROVED, signer="two@example.org", key=key("a"))
    assert findings(evidence, None) == ["signatures/02-approver.json signer"]


@pytest.mark.parametrize("role", ["approver ", "Аpprover", "approver\u200b"])
def test_a_role_that_only_looks_like_an_approval_is_a_finding(evidence, key, role, monkeypatch):
    """An author who signs by hand may write any role into the statement; the file is named after one."""
    written = signing.canonical
    monkeypatch.setattr(signing, "canonical", lambda said: written({**said, "role": role}))
    sign(evidence, role="reviewer", meaning="approved", signer="writer@example.org", key=key("a"))
    assert findings(evidence, None) == ["signatures/01-reviewer.json role"]


def test_who_ran_a_stage_once_does_not_approve(evidence, key):
    """Verification says so too: a signature that is a finding later is not made."""
    with pytest.raises(UserError, match=r"Runner@example\.org is an author of it; somebody else approves"):
        sign(evidence, **APPROVED, signer="Runner@example.org", key=key("a"))


@pytest.mark.parametrize("statement", [{}, {"signer": 5}])
def test_a_statement_of_no_form_stops_nobody_who_signs(evidence, key, statement):
    odd = {name: statement.get(name, name) for name in STATEMENT} if statement else statement
    write_archive(evidence, {**read_archive(evidence), "signatures/01-x.json": canonical(odd)})
    name = sign(evidence, role="reviewer", meaning="read", signer="r@example.org", key=key("a"))
    assert name == "signatures/02-reviewer"


def test_a_manifest_without_authors_is_not_signed(evidence, key):
    parts = read_archive(evidence)
    manifest = json.loads(parts["manifest.json"])
    del manifest["authors"]
    write_archive(evidence, {**parts, "manifest.json": canonical(manifest)})
    with pytest.raises(UserError, match="no manifest of an evidence file"):
        sign(evidence, role="reviewer", meaning="read", signer="r@example.org", key=key("a"))


def test_a_statement_that_names_the_key_of_somebody_else_is_a_finding(evidence, key, signers, monkeypatch):
    monkeypatch.setattr(signing, "fingerprint", lambda _: "SHA256:of-somebody-else")
    sign(evidence, **APPROVED, signer="reader@example.org", key=key("b"))
    for known in (None, signers(reader="b")):
        assert findings(evidence, known) == ["signatures/01-approver.json key"]


def test_a_part_beside_the_signatures_that_is_none_is_a_finding(evidence, key):
    write_archive(
        evidence, {**read_archive(evidence), "signatures/note.txt": b"approved", "manifest.txt": b""}
    )
    assert findings(evidence, None) == ["manifest.txt SHA-256", "signatures/note.txt SHA-256"]


def test_a_signature_is_never_written_over_another(evidence, key):
    names = [
        sign(evidence, role="reviewer", meaning="read", signer=f"{name}@example.org", key=key(name))
        for name in ("a", "b")
    ]
    parts = read_archive(evidence)
    write_archive(evidence, {path: one for path, one in parts.items() if not path.startswith(names[0])})
    third = sign(evidence, role="reviewer", meaning="read", signer="c@example.org", key=key("c"))
    assert (names, third) == (["signatures/01-reviewer", "signatures/02-reviewer"], "signatures/03-reviewer")


def test_nobody_signs_a_file_whose_parts_are_not_those_of_its_manifest(evidence, key):
    write_archive(evidence, {**read_archive(evidence), "observed.json": b"{}"})
    with pytest.raises(UserError, match=r"observed\.json: not the part that the manifest names"):
        sign(evidence, **APPROVED, signer="reader@example.org", key=key("b"))


def test_where_ssh_keygen_is_missing_it_is_said_in_a_line(evidence, key, monkeypatch, tmp_path):
    sign(evidence, **APPROVED, signer="reader@example.org", key=key("b"))
    file = key("a")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="ssh-keygen: not on this machine"):
        sign(evidence, **APPROVED, signer="other@example.org", key=file)
    with pytest.raises(UserError, match="ssh-keygen: not on this machine"):
        judge_file(evidence)


def test_the_program_signs_with_the_name_that_git_knows_and_verifies(
    evidence, key, signers, monkeypatch, capsys
):
    for name, value in {"COUNT": "1", "KEY_0": "user.email", "VALUE_0": "reader@example.org"}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    asked = ["--role", "approver", "--meaning", "reviewed", "--key", str(key("b")), "--json"]
    assert main(["sign", str(evidence), *asked]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "signature": "signatures/01-approver", "signer": "reader@example.org"
    }  # fmt: skip
    who = str(signers(reader="b"))
    assert main(["verify", "--pack", str(evidence), "--signers", who, "--json"]) == 0
    [said] = json.loads(capsys.readouterr().out)["signed"]
    assert (said["signer"], said["role"], said["meaning"]) == ("reader@example.org", "approver", "reviewed")


@pytest.mark.parametrize("content", [None, "no key"], ids=["missing", "no key"])
def test_a_key_that_is_none_is_one_line(evidence, tmp_path, content):
    file = tmp_path / "key"
    if content:
        file.write_text(content)
    with pytest.raises(UserError) as error:
        sign(evidence, **APPROVED, signer="reader@example.org", key=file)
    assert error.value.place == str(file)


@pytest.mark.parametrize(("role", "meaning"), [("", "x"), ("../x", "x"), ("author", " ")])
def test_a_role_and_a_meaning_are_wanted(evidence, key, role, meaning):
    with pytest.raises(UserError, match="a role and a meaning are wanted"):
        sign(evidence, role=role, meaning=meaning, signer="x", key=key("a"))


def test_of_two_who_sign_at_the_same_time_neither_signature_is_lost(evidence, key, monkeypatch):
    """While one types a passphrase, or waits for a stamp, the other is done."""
    first, second = key("a"), key("b")
    made = signing._signature

    def slowly(content: bytes, own: Path) -> bytes:
        monkeypatch.setattr(signing, "_signature", made)
        sign(evidence, role="author", meaning="made by me", signer="writer@example.org", key=second)
        return made(content, own)

    monkeypatch.setattr(signing, "_signature", slowly)
    assert sign(evidence, **APPROVED, signer="reader@example.org", key=first) == "signatures/02-approver"
    verdict = judge_file(evidence)
    assert (verdict.findings, [one["role"] for one in verdict.signed]) == ([], ["author", "approver"])


def test_what_was_packed_anew_while_somebody_signed_is_not_signed(evidence, key, monkeypatch):
    made = signing._signature

    def slowly(content: bytes, own: Path) -> bytes:
        pack(evidence, authors=("somebody@example.org",))
        return made(content, own)

    monkeypatch.setattr(signing, "_signature", slowly)
    with pytest.raises(UserError, match="was packed anew while you signed"):
        sign(evidence, **APPROVED, signer="reader@example.org", key=key("a"))
    assert judge_file(evidence).signed == []


def test_who_becomes_an_author_while_he_approves_does_not(evidence, key, monkeypatch):
    own, made = key("a"), signing._signature

    def slowly(content: bytes, one: Path) -> bytes:
        monkeypatch.setattr(signing, "_signature", made)
        sign(evidence, role="author", meaning="made by me", signer="reader@example.org", key=own)
        return made(content, one)

    monkeypatch.setattr(signing, "_signature", slowly)
    with pytest.raises(UserError, match="signed as author"):
        sign(evidence, **APPROVED, signer="reader@example.org", key=own)


def directory(content: bytes, *, by: int) -> tuple[bytes, int]:
    """The list of parts at the end of a ZIP archive, each said to begin so many bytes later; their number."""
    count, size, start = struct.unpack("<HII", content[-12:-2])
    listed, at = bytearray(content[start : start + size]), 0
    while at < size:
        [name, extra, comment] = struct.unpack("<HHH", listed[at + 28 : at + 34])
        [offset] = struct.unpack("<I", listed[at + 42 : at + 46])
        listed[at + 42 : at + 46] = struct.pack("<I", offset + by)
        at += 46 + name + extra + comment
    return bytes(listed), count


def end(count: int, size: int, start: int) -> bytes:
    return struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, size, start, 0)


def parts_of(content: bytes) -> bytes:
    return content[: struct.unpack("<I", content[-6:-2])[0]]


def two_in_one(shown: bytes, unpacked: bytes) -> bytes:
    """Python reads the ZIP64 list of parts, which `unzip` asks only where the other one has no room."""
    body = parts_of(shown) + parts_of(unpacked)
    (one, count), (other, number) = directory(shown, by=0), directory(unpacked, by=len(parts_of(shown)))
    first = body + other + end(number, len(other), len(body))
    place = len(first) + len(one)
    large = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(one), len(first))
    found = struct.pack("<4sIQI", b"PK\6\7", 0, place, 1)
    return first + one + large + found + end(number, place + 76 - len(body), len(body))


def behind(shown: bytes, unpacked: bytes) -> bytes:
    """What reads parts one after the other, as `jar x` from a pipe does, takes those without a list, too."""
    body = parts_of(shown) + parts_of(unpacked)
    listed, count = directory(shown, by=0)
    return body + listed + end(count, len(listed), len(body))


def before(shown: bytes, unpacked: bytes) -> bytes:
    """The same the other way round: the list names the later ones."""
    start = len(parts_of(unpacked))
    listed, count = directory(shown, by=start)
    body = parts_of(unpacked) + parts_of(shown)
    return body + listed + end(count, len(listed), len(body))


@pytest.mark.parametrize("join", [two_in_one, behind, before])
def test_a_file_that_another_program_may_unpack_otherwise_is_no_evidence(evidence, tmp_path, key, join):
    """Else somebody reads one report, and puts his name to another."""
    forged = tmp_path / "forged.zip"
    write_archive(forged, {**read_archive(evidence), "report.html": b"all is well"})
    honest = evidence.read_bytes()
    assert read_archive(evidence).keys() == read_archive(forged).keys() - {"report.html"}
    evidence.write_bytes(join(honest, forged.read_bytes()))
    with zipfile.ZipFile(evidence) as archive:
        assert "report.html" not in archive.namelist()
    for asked in (lambda: judge_file(evidence), lambda: sign(evidence, **APPROVED, signer="r", key=key("a"))):
        with pytest.raises(UserError, match="hidden"):
            asked()


def test_what_is_no_file_is_not_written_over(tmp_path):
    """`clintune pack -o /dev/null`, as root, left a file where the device was."""
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/null"), tmp_path, tmp_path / "pipe"):
        with pytest.raises(UserError, match="and no file"):
            expect_unsigned(path)
    expect_unsigned(tmp_path / "new.zip")
