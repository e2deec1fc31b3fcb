"""clintune pack, and what a reviewer finds out with the file alone."""

import ast
import json
import sys
import zipfile
from pathlib import Path

import pytest

from clintune.evidence.packing.archive import read_archive, write_archive
from clintune.evidence.verification import verifier
from clintune.sealing.canonical import canonical
from tests.evidence.verification import judged_alone, packed_quickly
from tests.planting import found, planted
from tests.project import Project, make_project
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


def test_it_verifies_alone_with_bare_python_and_by_the_program(project, evidence, tmp_path):
    assert judged_alone(evidence) == (0, [])
    done = project.run("clintune", "verify", "--pack", str(evidence))
    assert done.stdout.splitlines()[0].startswith("Everything is as it was sealed: ")
    assert "Not shown:" in done.stdout
    with zipfile.ZipFile(evidence) as archive:
        archive.extractall(tmp_path)
    unpacked = Project(tmp_path).run(sys.executable, "-I", "verify.py")
    assert unpacked.stdout == done.stdout


def test_the_verifier_has_at_most_300_lines_and_imports_the_standard_library_alone(parts):
    program = parts["verify.py"].decode()
    assert program == Path(verifier.__file__).read_text(encoding="utf-8")
    assert len(program.splitlines()) <= 300
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


def test_a_ledger_whose_end_was_cut_off_is_named_though_the_manifest_was_made_to_fit(parts, tmp_path):
    lines = parts["ledger/ledger.jsonl"].splitlines(keepends=True)
    write_archive(tmp_path / "pack.zip", redone(parts, {"ledger/ledger.jsonl": b"".join(lines[:-1])}))
    _, findings = judged_alone(tmp_path / "pack.zip")
    assert {"ledger.jsonl:7", "manifest.json", "dvc.lock: export"} <= {one["place"] for one in findings}


def test_what_was_delivered_is_hashed_too(project, evidence, tmp_path):
    for name in ("model.onnx", "tokenizer.json"):
        (tmp_path / "data/bundle").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data/bundle" / name).write_bytes((project.root / "data/bundle" / name).read_bytes())
    assert judged_alone(evidence, "--files", str(tmp_path)) == (0, [])
    (tmp_path / "data/bundle/model.onnx").write_bytes(b"another")
    _, [finding] = judged_alone(evidence, "--files", str(tmp_path))
    assert (finding["kind"], finding["place"]) == ("file", "data/bundle/model.onnx")
    _, [finding] = judged_alone(evidence, "--files", str(tmp_path / "data"))
    assert finding["found"] == "none of them"


def test_no_text_of_a_record_and_no_identifier_is_in_it(project, finished, evidence):
    nothing = {"text": set(), "id": set(), "value": set()}
    assert found(project, [evidence.name], planted(finished)) == nothing


@pytest.mark.parametrize("content", [None, b"", b"no archive"], ids=["missing", "empty", "text"])
def test_what_is_no_evidence_file_is_one_line(project, tmp_path, content):
    file = tmp_path / "evidence.zip"
    if content is not None:
        file.write_bytes(content)
    done = project.run("clintune", "verify", "--pack", str(file), ok=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"{file}: no ")


def test_an_archive_of_something_else_is_one_line(project, tmp_path):
    write_archive(tmp_path / "other.zip", {"readme.txt": b"x"})
    done = project.run("clintune", "verify", "--pack", str(tmp_path / "other.zip"), ok=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_where_nothing_was_sealed_there_is_nothing_to_pack(tmp_path):
    project = make_project(tmp_path / "project")
    done = project.run("clintune", "pack", ok=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert not (project.root / "evidence.zip").exists()
