"""clintune pack, and what a reviewer finds out with the file alone."""

import ast
import json
import os
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path

import pytest

from clintune.evidence.packing.archive import read_archive, write_archive
from clintune.evidence.verification import verifier
from clintune.sealing.canonical import canonical
from clintune.sealing.ledger import Ledger
from tests.evidence.verification import judged_alone, packed_quickly, run_quickly
from tests.planting import found, planted
from tests.project import Project
from tests.tampering import scene_of

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def project(finished: Project, tmp_path_factory) -> Project:
    return scene_of(finished, tmp_path_factory.mktemp("packed")).project


@pytest.fixture(scope="module")
def evidence(project) -> Path:
    done = project.run("clintune", "pack", "-o", "one.zip")
    assert done.stdout.startswith("one.zip: ")
    return project.root / "one.zip"


@pytest.fixture
def parts(evidence) -> dict[str, bytes]:
    return read_archive(evidence)


def test_packed_twice_it_is_the_same_to_the_byte(project, evidence, tmp_path):
    packed_quickly(project, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == evidence.read_bytes()


def test_with_what_changed_since_a_commit_it_holds_the_record_of_diff(project, tmp_path):
    copy = project.copy(tmp_path / "copy")
    copy.commit("what came out")
    run_quickly(copy, "clintune", "pack", "-o", "since.zip", "--since", "HEAD")
    parts = read_archive(copy.root / "since.zip")
    diff = run_quickly(copy, "clintune", "diff", "HEAD", "--json", ok=False)
    assert json.loads(parts["changes.json"]) == json.loads(diff.stdout)
    crate = json.loads(parts["ro-crate-metadata.json"])["@graph"]
    assert "changes.json" in {one["@id"] for one in crate}
    assert judged_alone(copy.root / "since.zip") == (0, [])
    unknown = run_quickly(copy, "clintune", "pack", "-o", "none.zip", "--since", "nowhere", ok=False)
    assert (unknown.returncode, len(unknown.stderr.splitlines())) == (2, 1)
    assert not (copy.root / "none.zip").exists()


def test_of_a_commit_that_is_not_here_it_is_said_that_nobody_knows_who_wrote_it(project, parts, tmp_path):
    """As in a clone with a depth: else whoever it was approves, and nobody notices."""
    copy = project.copy(tmp_path / "copy")
    shutil.rmtree(copy.root / ".git")
    copy.run("git", "init", "-q")
    done = run_quickly(copy, "clintune", "pack", "-o", "away.zip")
    ran_at = {json.loads(one)["code"]["commit"] for path, one in parts.items() if "/records/" in path}
    [commit] = ran_at
    assert f"commit {commit} is not here: who wrote it could approve" in done.stdout


def test_it_verifies_alone_with_bare_python_and_by_the_program(project, evidence, tmp_path):
    assert judged_alone(evidence) == (0, [])
    done = project.run("clintune", "verify", "--pack", str(evidence))
    assert done.stdout.splitlines()[0].startswith("Everything is as it was sealed: ")
    assert "Not detected: a lie told while a stage ran" in done.stdout
    with zipfile.ZipFile(evidence) as archive:
        archive.extractall(tmp_path)
    unpacked = Project(tmp_path).run(sys.executable, "-I", "verify.py")
    assert unpacked.stdout == done.stdout


def test_the_verifier_has_at_most_300_lines_and_imports_the_standard_library_alone(parts):
    program = parts["verify.py"].decode()
    assert program == Path(verifier.__file__).read_text(encoding="utf-8")
    assert len(program.splitlines()) <= 300
    assert max(map(len, program.splitlines())) <= 120
    nodes = list(ast.walk(ast.parse(program)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


@pytest.mark.parametrize("path", ["observed.json", "files/params.yaml", "verify.py", "audit_trail.jsonl"])
def test_a_part_that_was_changed_is_named(parts, tmp_path, path):
    write_archive(tmp_path / "pack.zip", {**parts, path: parts[path] + b"\n"})
    code, findings = judged_alone(tmp_path / "pack.zip")
    assert (code, ["pack", path]) == (1, [findings[0]["kind"], findings[0]["place"]])


def test_a_part_that_was_taken_out_or_put_in_is_named(parts, tmp_path):
    taken = {path: content for path, content in parts.items() if path != "files/dvc.yaml"}
    write_archive(tmp_path / "pack.zip", {**taken, "better.txt": b"0.99"})
    _, findings = judged_alone(tmp_path / "pack.zip")
    assert [(one["place"], one["sealed"] == "", one["found"] == "") for one in findings] == [
        ("better.txt", True, False),
        ("files/dvc.yaml", False, True),
    ]


def redone(parts: dict[str, bytes], changed: dict[str, bytes]) -> dict[str, bytes]:
    """With a manifest that fits again, as a forger makes it."""
    manifest = json.loads(parts["manifest.json"])
    for path, content in changed.items():
        manifest["parts"][path] = {"sha256": verifier.sha256(content), "size": len(content)}
    return {**parts, **changed, "manifest.json": canonical(manifest)}


def test_a_score_that_was_bettered_is_named_though_the_manifest_was_made_to_fit(parts, tmp_path):
    path = "files/data/evaluation/metrics.json"
    metrics = json.loads(parts[path])
    metrics["strict"]["f1"] = 0.99
    write_archive(tmp_path / "pack.zip", redone(parts, {path: json.dumps(metrics).encode()}))
    _, [finding] = judged_alone(tmp_path / "pack.zip")
    assert (finding["kind"], finding["place"], finding["field"]) == ("pack", "observed.json", path)


def test_a_forged_record_under_the_name_of_a_sealed_one_is_named(parts, tmp_path):
    """The sealed one lies below, where it was taken for it: whoever reads by name sees another score."""
    path = next(one for one in sorted(parts) if one.startswith("ledger/records/"))
    beside = path.replace("records/", "records/z/")
    forged = redone(parts, {path: b'{"strict/f1":0.9999}', beside: parts[path]})
    write_archive(tmp_path / "pack.zip", forged)
    places = {one["place"] for one in judged_alone(tmp_path / "pack.zip")[1]}
    assert {f"records/{Path(path).name}", f"records/z/{Path(path).name}"} <= places


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("ledger/records/{}.json".format("a" * 64), "records/{}.json".format("a" * 64)),
        ("Ledger/Records/a.json", "observed.json"),
        ("ledger/records/a.txt", "observed.json"),
        ("ledger/ledger.json", "observed.json"),
    ],
)
def test_what_no_line_names_does_not_lie_in_the_ledger(parts, tmp_path, name, place):
    write_archive(tmp_path / "pack.zip", redone(parts, {name: b"{}"}))
    assert place in {one["place"] for one in judged_alone(tmp_path / "pack.zip")[1]}


def test_the_manifest_says_nothing_that_is_compared_with_nothing(parts):
    assert set(json.loads(parts["manifest.json"])) == {"format", "authors", "head", "parts"}


def test_a_link_is_no_part(parts, tmp_path, project):
    """Unpacked it would show what lies elsewhere, today this and tomorrow that, under a signature."""
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as archive:
        for name in parts:
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            if name == "report.html":
                entry.external_attr = 0o120777 << 16
            archive.writestr(entry, parts[name])
    done = project.run("clintune", "verify", "--pack", str(tmp_path / "pack.zip"), ok=False)
    assert (done.returncode, "or a link" in done.stderr) == (2, True)


def test_a_part_that_ends_after_the_file_is_one_line(evidence, project, tmp_path):
    content = bytearray(evidence.read_bytes())
    last = content.rfind(b"PK\x01\x02")
    [start] = struct.unpack("<L", content[last + 42 : last + 46])
    for place in (last + 20, start + 18):
        content[place : place + 8] = struct.pack("<LL", 1 << 30, 1 << 30)
    (tmp_path / "pack.zip").write_bytes(content)
    done = project.run("clintune", "verify", "--pack", str(tmp_path / "pack.zip"), ok=False)
    assert (done.returncode, done.stderr.count("\n"), "Traceback" in done.stderr) == (2, 1, False)


def _first_words(report: bytes) -> tuple[int, bytes, bytes]:
    """Stored, and cut off after its first words."""
    return 0, report, report[:20]


def _other_words(_report: bytes) -> tuple[int, bytes, bytes]:
    """Compressed: what lies there is no text, and says something else once it is unpacked."""
    other = b"another report"
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return zipfile.ZIP_DEFLATED, squeeze.compress(other) + squeeze.flush(), other


@pytest.mark.parametrize("as_unpacked", [_first_words, _other_words])
def test_a_part_that_unzip_would_unpack_otherwise_is_no_evidence(parts, tmp_path, as_unpacked):
    """unzip goes by the header in front of a part, Python by the directory at the end of the file."""
    method, stored, words = as_unpacked(parts["report.html"])
    write_archive(tmp_path / "pack.zip", redone(parts, {"report.html": stored}))
    content, size = bytearray((tmp_path / "pack.zip").read_bytes()), len(words)
    with zipfile.ZipFile(tmp_path / "pack.zip") as archive:
        start = archive.getinfo("report.html").header_offset
    struct.pack_into("<H", content, start + 8, method)
    struct.pack_into("<LLL", content, start + 14, zlib.crc32(words), len(stored) if method else size, size)
    (tmp_path / "pack.zip").write_bytes(content)
    if unzip := shutil.which("unzip"):
        done = subprocess.run(
            [unzip, "-p", tmp_path / "pack.zip", "report.html"], capture_output=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, words)
    with pytest.raises(ValueError, match="hidden"):
        verifier.read_parts(tmp_path / "pack.zip")


@pytest.mark.parametrize(("held", "problem"), [("signed", "was signed"), ("other", "is no evidence file")])
def test_nothing_that_somebody_needs_is_written_over(project, parts, tmp_path, held, problem):
    file = tmp_path / "evidence.zip"
    if held == "signed":
        write_archive(file, {**parts, "signatures/01-approver.json": b"{}"})
    else:
        file.write_bytes(b"what somebody wrote")
    before = file.read_bytes()
    done = project.run("clintune", "pack", "-o", str(file), ok=False)
    assert (done.returncode, problem in done.stderr, file.read_bytes()) == (2, True, before)


def test_a_score_of_a_stage_that_was_taken_out_of_what_was_observed_is_named(parts, tmp_path):
    """The ledger stays as it is: whoever leaves the stage out wants the copy to be compared with nothing."""
    observed, path = json.loads(parts["observed.json"]), "files/data/evaluation/metrics.json"
    for stage in ("evaluate", "export"):
        del observed["lock"][stage]
    for name in [name for name in observed["files"] if name.startswith(("data/evaluation", "data/bundle"))]:
        del observed["files"][name]
    changed = {path: b'{"strict": {"f1": 0.99}}', "observed.json": canonical(observed)}
    write_archive(tmp_path / "pack.zip", redone(parts, changed))
    code, findings = judged_alone(tmp_path / "pack.zip")
    assert (code, path in {one["field"] for one in findings}) == (1, True)


def test_evidence_of_nothing_is_a_finding(parts, tmp_path):
    nothing = {"lock": {}, "files": {}, "cache": {}, "amiss": [], "runs": {}, "executions": {}, "waiting": []}
    kept = {path: one for path, one in parts.items() if path in {"report.html", "verify.py", "README.txt"}}
    kept |= {"observed.json": canonical(nothing), "ledger/ledger.jsonl": b""}
    sums = {path: {"sha256": verifier.sha256(one), "size": len(one)} for path, one in kept.items()}
    kept["manifest.json"] = canonical({"parts": sums, "head": {}, "authors": []})
    write_archive(tmp_path / "pack.zip", kept)
    code, [finding] = judged_alone(tmp_path / "pack.zip")
    assert (code, finding["place"], finding["field"]) == (1, "observed.json", "lock")


def test_runs_that_were_not_compared_are_counted_in_the_file_too(project, tmp_path):
    waits = project.root / ".clintune/spool/some-run"
    waits.mkdir(parents=True)
    (waits / "journal").touch()
    try:
        packed_quickly(project, tmp_path / "pack.zip")
    finally:
        shutil.rmtree(waits)
    done = project.run(sys.executable, "-I", verifier.__file__, str(tmp_path / "pack.zip"))
    assert "; 1 run(s) that wait to be sent were not compared.\n" in done.stdout
    [ruling] = [
        one for one in json.loads(read_archive(tmp_path / "pack.zip")["checklist.json"])["items"]
        if one["number"] == 39
    ]  # fmt: skip
    assert ruling["verdict"] == "MISSING"


def test_a_bit_that_says_a_part_is_compressed_is_one_line(evidence, project, tmp_path):
    content = evidence.read_bytes().replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x00\x00\x08"
    )
    (tmp_path / "pack.zip").write_bytes(content)
    assert content != evidence.read_bytes()
    for command in (["clintune", "verify", "--pack"], [sys.executable, "-I", verifier.__file__]):
        done = project.run(*command, str(tmp_path / "pack.zip"), ok=False)
        assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")


def test_a_name_that_is_no_text_is_a_finding_in_an_unpacked_folder(evidence, project, tmp_path):
    with zipfile.ZipFile(evidence) as archive:
        archive.extractall(tmp_path)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).write_bytes(b"x")
    for command in (["clintune", "verify", "--pack"], [sys.executable, "-I", verifier.__file__]):
        done = project.run(*command, str(tmp_path), ok=False)
        assert (done.returncode, done.stderr) == (1, "")
        assert done.stdout.startswith("pack    \\udcff: SHA-256: sealed nothing, found ")


@pytest.mark.parametrize("place", ["data", "README.md/evidence.zip"])
def test_a_file_that_cannot_be_written_is_one_line(project, place):
    done = run_quickly(project, "clintune", "pack", "-o", place, ok=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"{place}: cannot be written (")


def test_a_ledger_whose_end_was_cut_off_is_named_though_the_manifest_was_made_to_fit(parts, tmp_path):
    lines = parts["ledger/ledger.jsonl"].splitlines(keepends=True)
    write_archive(tmp_path / "pack.zip", redone(parts, {"ledger/ledger.jsonl": b"".join(lines[:-1])}))
    _, findings = judged_alone(tmp_path / "pack.zip")
    assert {"ledger.jsonl:7", "manifest.json", "dvc.lock: export"} <= {one["place"] for one in findings}


@pytest.fixture
def delivered(project, tmp_path) -> Path:
    """A bundle as it is handed on, and nothing else of the project."""
    shutil.copytree(project.root / "data/bundle", tmp_path / "bundle")
    return tmp_path / "bundle"


def places(file: Path, folder: Path) -> list[str]:
    return [one["place"] for one in judged_alone(file, "--files", str(folder))[1]]


def test_a_bundle_that_was_delivered_is_whole_and_nothing_was_put_into_it(evidence, delivered):
    assert places(evidence, delivered) == []
    (delivered / "tokenizer.json").unlink()
    (delivered / "model.onnx").write_bytes(b"another")
    (delivered / "more.py").write_text("import os")
    assert places(evidence, delivered) == [
        f"data/bundle/{n}" for n in ("model.onnx", "more.py", "tokenizer.json")
    ]


def test_an_evaluation_that_was_delivered_alone_is_whole(project, evidence, tmp_path):
    shutil.copytree(project.root / "data/evaluation", tmp_path / "evaluation")
    assert places(evidence, tmp_path / "evaluation") == []
    (tmp_path / "evaluation/metrics.json").write_text("{}")
    assert places(evidence, tmp_path / "evaluation") == ["data/evaluation/metrics.json"]


def test_a_checkout_that_was_delivered_has_the_code_and_the_outputs_that_were_sealed(
    project, evidence, delivered, tmp_path
):
    project.run("cp", "-a", "src", str(tmp_path / "src"))
    (tmp_path / "data").mkdir()
    delivered.rename(tmp_path / "data/bundle")
    assert places(evidence, tmp_path) == []
    with (tmp_path / "src/clintune/stage.py").open("a") as code:
        code.write("# faster\n")
    assert places(evidence, tmp_path) == ["src/clintune/stage.py"]


def test_a_folder_with_nothing_that_was_sealed_is_a_finding(evidence, tmp_path):
    (tmp_path / "notes.txt").write_text("to do")
    _, [finding] = judged_alone(evidence, "--files", str(tmp_path))
    assert (finding["kind"], finding["found"]) == ("file", "nothing of it")


def certified(parts: dict[str, bytes], folder: Path, record: dict[str, str]) -> dict[str, bytes]:
    """As if this certificate had been sealed last."""
    ledger = Ledger(folder)
    ledger.file.write_bytes(parts["ledger/ledger.jsonl"])
    line, content = ledger.append("certificate", "a commit", record, at=1), canonical(record)
    names = (f"ledger/records/{line.record}.json", "certificates/1.json")
    packed = redone(parts, {"ledger/ledger.jsonl": ledger.file.read_bytes(), **dict.fromkeys(names, content)})
    head = {"head": {**asdict(line), "hash": line.hash}}
    return {**packed, "manifest.json": canonical({**json.loads(packed["manifest.json"]), **head})}


def test_a_certificate_that_was_bettered_is_named_though_the_manifest_was_made_to_fit(parts, tmp_path):
    file, path = tmp_path / "pack.zip", "certificates/1.json"
    write_archive(file, packed := certified(parts, tmp_path, {"kind": "certificate", "tier": "diverged"}))
    assert judged_alone(file) == (0, [])
    write_archive(file, redone(packed, {path: canonical({"kind": "certificate", "tier": "bit-exact"})}))
    _, [finding] = judged_alone(file)
    assert (finding["kind"], finding["field"]) == ("pack", path)


def test_a_part_that_is_none_any_more_is_named_and_not_stumbled_over(parts, tmp_path):
    for path in ("observed.json", "ledger/ledger.jsonl"):
        for content in (b"{}", b"[1]", b"\xff"):
            write_archive(tmp_path / "pack.zip", {**parts, path: content})
            assert path in {one["place"] for one in judged_alone(tmp_path / "pack.zip")[1]}


def test_a_part_that_is_in_it_twice_is_no_evidence(parts, tmp_path, project):
    write_archive(tmp_path / "pack.zip", parts)
    with zipfile.ZipFile(tmp_path / "pack.zip", "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("files/params.yaml", b"seed: 1")
    done = run_quickly(project, "clintune", "verify", "--pack", str(tmp_path / "pack.zip"), ok=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    bare = Project(tmp_path).run(sys.executable, "-I", verifier.__file__, "pack.zip", ok=False)
    assert (bare.returncode, bare.stdout) == (2, "")
    assert bare.stderr.startswith("pack.zip: could not be checked (ValueError: a part is in it twice, ")


def test_values_of_attributes_are_in_it_only_where_they_may_be_shown(parts):
    assert "files/data/evaluation/metrics.json" in parts
    assert "files/data/examples/summary.json" not in parts


def test_no_text_of_a_record_and_no_identifier_is_in_it(project, finished, evidence):
    nothing = {"text": set(), "id": set(), "value": set()}
    assert found(project, [evidence.name], planted(finished)) == nothing


@pytest.mark.parametrize("content", [None, b"", b"no archive"], ids=["missing", "empty", "text"])
def test_what_is_no_evidence_file_is_one_line(project, tmp_path, content):
    file = tmp_path / "evidence.zip"
    if content is not None:
        file.write_bytes(content)
    done = run_quickly(project, "clintune", "verify", "--pack", str(file), ok=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"{file}: no ")


def test_an_archive_of_something_else_is_one_line(project, tmp_path):
    write_archive(tmp_path / "other.zip", {"readme.txt": b"x"})
    done = run_quickly(project, "clintune", "verify", "--pack", str(tmp_path / "other.zip"), ok=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_where_nothing_was_sealed_there_is_nothing_to_pack(tmp_path):
    done = run_quickly(Project(tmp_path), "clintune", "pack", ok=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(".clintune/ledger: nothing was sealed here; dvc repro seals (-f ")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
