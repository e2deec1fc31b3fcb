"""The documents of a pack: accepted by their formats' validators, true to the records, naming nobody."""

import copy
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from importlib.resources import files
from pathlib import Path

import google.protobuf.json_format as protobuf
import in_toto_attestation.predicates.provenance.v1.provenance_pb2 as slsa
import in_toto_attestation.v1.statement_pb2 as in_toto
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from in_toto_attestation.v1.statement import Statement
from markdown_it import MarkdownIt

from clintune.errors import UserError
from clintune.evidence.documents.crate import METADATA
from clintune.evidence.documents.materials import encoded
from clintune.evidence.documents.model_part import scores
from clintune.evidence.documents.moments import written as moment
from clintune.evidence.documents.parts import encoders
from clintune.evidence.documents.quoting import LOCK, METRICS, MODEL_CARD, SUMMARY
from clintune.evidence.documents.writing import documents
from clintune.evidence.subject import subject_of
from clintune.files import sha256
from clintune.markdown import plain, quoted, table
from clintune.params import load_params
from clintune.recipes import recipe_file
from clintune.sealing.canonical import digest
from clintune.tracking.home import Home
from tests.planting import found, planted
from tests.project import ROOT, Project

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.timeout(600),
]

SBOM, SHEET = "sbom.cdx.json", "datasheet.md"
STAGES = ("ingest", "preprocess", "pretrain", "tokenize", "train", "evaluate", "export")
QUOTED = (SUMMARY, METRICS, MODEL_CARD, LOCK)


@pytest.fixture(scope="module")
def subject(finished):
    root = finished.root
    return subject_of(root, Home(root / ".clintune"))


@pytest.fixture(scope="module")
def written(subject):
    return documents(subject)


@pytest.fixture
def elsewhere(subject, tmp_path):
    """The same subject over a folder with the files that documents quote, to change them."""
    root = tmp_path / "project"
    subprocess.run(["git", "clone", "-q", "--no-checkout", subject.root, root], check=True)
    for name in QUOTED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes((subject.root / name).read_bytes())
    return replace(subject, root=root)


def changed(subject, stage, change):
    """The subject with another record of a stage."""
    record = copy.deepcopy(dict(subject.records[stage]))
    change(record)
    return replace(subject, records={**subject.records, stage: record})


def save(content, folder):
    for path, text in content.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text)


def said(key: str, statement: str) -> str:
    """A declarations.yaml with one statement."""
    return f"{key}:\n  statement: '{statement}'\n  by: A. Example\n  date: 2026-01-15\n"


class TestAttestations:
    def of(self, written, stage):
        return json.loads(written[f"attestations/{stage}.intoto.json"])

    def accept(self, tree):
        """What the types of in-toto and SLSA take, and in-toto's own checks."""
        Statement.copy_from_pb(protobuf.ParseDict(tree, in_toto.Statement())).validate()
        protobuf.ParseDict(tree["predicate"], slsa.Provenance())

    @pytest.mark.parametrize("stage", STAGES)
    def test_in_toto_accepts_the_statement_of_each_stage(self, written, stage):
        self.accept(self.of(written, stage))

    def test_in_toto_rejects_a_subject_without_digest(self, written):
        tree = self.of(written, "train")
        del tree["subject"][0]["digest"]
        with pytest.raises(ValueError, match="digest required"):
            self.accept(tree)

    def test_the_types_of_slsa_reject_a_field_that_it_does_not_have(self, written):
        tree = self.of(written, "train")
        tree["predicate"]["runDetails"]["metadata"]["startedAt"] = "yesterday"
        with pytest.raises(protobuf.ParseError, match="startedAt"):
            self.accept(tree)

    @pytest.mark.parametrize("stage", STAGES)
    def test_every_file_that_the_stage_read_or_wrote_is_named_by_its_hash(self, subject, written, stage):
        tree, record = self.of(written, stage), subject.records[stage]
        read = tree["predicate"]["buildDefinition"]["resolvedDependencies"]
        assert [one["digest"] for one in read if "gitCommit" in one["digest"]] == [
            {"gitCommit": record["code"]["commit"]}
        ]
        assert sums(read) == sorted(one["sha256"] for one in record["inputs"].values())
        assert sums(tree["subject"]) == sorted(one["sha256"] for one in record["outputs"].values())

    def test_it_says_the_params_the_command_the_environment_and_the_numeric_class(self, subject, written):
        definition, record = (
            self.of(written, "train")["predicate"]["buildDefinition"], subject.records["train"]
        )  # fmt: skip
        inside = definition["internalParameters"]
        assert definition["externalParameters"]["params"]["train.epochs"] == 6
        assert inside["cmd"] == record["lock"]["cmd"]
        assert inside["numeric_class"] == record["numeric_class"]
        assert inside["environment"]["distributions"]["torch"].startswith("2.13.0")

    def test_it_claims_the_lowest_level_and_names_its_record_in_the_ledger(self, subject, written):
        predicate = self.of(written, "train")["predicate"]
        assert predicate["buildDefinition"]["internalParameters"]["slsa_level"].startswith("Build L1")
        [record] = predicate["runDetails"]["byproducts"]
        assert record["digest"]["sha256"] == digest(subject.records["train"])
        assert record["digest"]["sha256"] in {line.record for line in subject.chain.lines}

    def test_what_was_not_committed_is_said(self, subject):
        dirty = changed(subject, "train", lambda record: record["code"].update(dirty=True))
        tree = self.of(documents(dirty), "train")
        first = tree["predicate"]["buildDefinition"]["resolvedDependencies"][0]
        assert first["annotations"]["dirty"] is True


def sums(descriptors):
    return sorted(one["digest"]["sha256"] for one in descriptors if "sha256" in one["digest"])


@pytest.fixture(scope="module")
def bill(written):
    return json.loads(written[SBOM])


@pytest.fixture(scope="module")
def validator():
    return JsonStrictValidator(SchemaVersion.V1_6)


class TestBillOfMaterials:
    def test_the_strict_schema_accepts_it(self, validator, written):
        assert validator.validate_str(written[SBOM].decode()) is None

    @pytest.mark.parametrize("break_it", [
        lambda bill: bill["components"][0].update(type="machine"),
        lambda bill: bill["metadata"]["component"]["hashes"][0].update(content="none"),
        lambda bill: bill["metadata"]["component"]["modelCard"].update(author="a person"),
        lambda bill: bill.update(serialNumber="1"),
    ], ids=["type", "hash", "model card", "serial number"])  # fmt: skip
    def test_the_strict_schema_rejects_it_when_broken(self, validator, bill, break_it):
        broken = copy.deepcopy(bill)
        break_it(broken)
        assert validator.validate_str(json.dumps(broken)) is not None

    def test_every_installed_distribution_is_a_component(self, subject, bill):
        wanted = {
            (name, one["version"])
            for record in subject.records.values()
            for name, one in record["environment"]["distributions"].items()
        }
        listed = [one for one in bill["components"] if one["type"] in {"library", "application"}]
        assert {(one["name"], one["version"]) for one in listed} == wanted
        assert {one["name"] for one in listed if "purl" not in one} == {"clintune"}, "no index has it"
        assert all(one["bom-ref"].startswith(f"pkg:pypi/{one['name']}@") for one in listed)

    def test_a_distribution_of_the_locked_version_has_the_hashes_of_the_lock(self, subject, bill):
        lock = (subject.root / LOCK).read_text()
        [one] = [one for one in bill["components"] if one["name"] == "ruamel-yaml"]
        [block] = re.findall(rf"^ruamel-yaml=={one['version']} (.*?)^[a-z]", lock, re.M | re.S)
        [reference] = one["externalReferences"]
        assert {each["content"] for each in reference["hashes"]} == set(re.findall("[0-9a-f]{64}", block))

    def test_a_distribution_of_another_version_has_none(self, subject):
        def another(record):
            record["environment"]["distributions"]["numpy"]["version"] = "1.0"

        bill = json.loads(documents(changed(subject, "train", another))[SBOM])
        versions = {one["version"]: one for one in bill["components"] if one["name"] == "numpy"}
        assert "externalReferences" not in versions.pop("1.0")
        assert all("externalReferences" in one for one in versions.values())

    def test_the_model_has_the_hash_of_its_weights_and_of_each_file(self, subject, bill):
        model, outputs = bill["metadata"]["component"], subject.records["export"]["outputs"]
        assert model["name"] == "clintune-synthetic"
        assert model["hashes"][0]["content"] == outputs["data/bundle/model.safetensors"]["sha256"]
        assert {one["name"]: one["hashes"][0]["content"] for one in model["components"]} == {
            path: one["sha256"] for path, one in outputs.items()
        }

    def test_the_base_model_has_the_hash_that_params_declare(self, subject):
        shipped = load_params(recipe_file("synthetic")).model.model_dump(mode="json")
        records = changed(subject, "train", lambda record: record["lock"]["params"]["params.yaml"].update(
            model=shipped
        )).records  # fmt: skip
        [base] = encoders(records)
        assert base["hashes"] == [{"alg": "SHA-256", "content": shipped["weights_sha256"]}]
        assert {one["name"] for one in base["components"]} == {
            "model.safetensors", "config.json", "tokenizer.json"
        }  # fmt: skip

    def test_an_encoder_of_the_projects_own_has_the_hashes_that_its_stage_sealed(self, subject):
        sealed = {name: {"sha256": str(number) * 64, "size": 1} for number, name in enumerate(
            ("model.safetensors", "config.json", "tokenizer.json")
        )}  # fmt: skip

        def made(record):
            record["outputs"] |= {f"data/pretrained/own/{name}": one for name, one in sealed.items()}

        def used(record):
            model = record["lock"]["params"]["params.yaml"]["model"]
            own = dict.fromkeys(model) | {"source": "pretrained", "name": "own"}
            model["companions"] = [own]

        records = changed(changed(subject, "pretrain", made), "train", used).records
        _, companion = encoders(records)
        assert companion["hashes"] == [{"alg": "SHA-256", "content": "0" * 64}]
        assert {one["name"]: one["hashes"][0]["content"] for one in companion["components"]} == {
            name: one["sha256"] for name, one in sealed.items()
        }

    def test_data_sets_are_named_by_hash_alone(self, subject, bill):
        data = [one for one in bill["components"] if one["type"] == "data"]
        outputs = subject.records["preprocess"]["outputs"]
        tables = {path: one["sha256"] for path, one in outputs.items() if path.endswith(".parquet")}
        corpus = subject.records["ingest"]["outputs"]["data/raw/files/notes.jsonl"]["sha256"]
        assert {one["name"]: one["hashes"][0]["content"] for one in data} == {
            **tables, "corpus file 1": corpus
        }  # fmt: skip
        assert all(one["data"] == [{"type": "dataset", "name": one["name"]}] for one in data)

    def test_whatever_it_refers_to_is_in_it_once(self, bill):
        refs = [one for key, one in entries(bill) if key == "bom-ref"]
        assert len(refs) == len(set(refs))
        [dependencies] = bill["dependencies"]
        named = {
            dependencies["ref"],
            *dependencies["dependsOn"],
            *(one for key, one in entries(bill) if key == "ref"),
        }
        assert named <= set(refs)

    def test_the_model_card_refers_to_the_splits(self, bill):
        card = bill["metadata"]["component"]["modelCard"]
        assert card["modelParameters"]["datasets"] == [
            {"ref": f"data/examples/{split}.parquet"} for split in ("test", "train", "validation")
        ]

    def test_its_scores_are_those_of_metrics_json(self, subject, bill):
        card, metrics = bill["metadata"]["component"]["modelCard"], json.loads(
            (subject.root / METRICS).read_text()
        )  # fmt: skip
        told = {
            (one.get("slice"), one["type"]): one["value"]
            for one in card["quantitativeAnalysis"]["performanceMetrics"]
        }
        assert told["strict", "f1"] == str(metrics["strict"]["f1"])
        assert told["label/Drug", "recall"] == str(metrics["label"]["Drug"]["recall"])
        assert told[None, "documents"] == "12"

    def test_a_score_has_its_interval(self):
        [score] = scores({"strict": {"f1": 0.5, "f1_low": 0.4, "f1_high": 0.6}})
        assert score == {
            "type": "f1", "value": "0.5", "slice": "strict",
            "confidenceInterval": {"lowerBound": "0.4", "upperBound": "0.6"},
        }  # fmt: skip

    def test_its_considerations_are_those_of_the_model_card(self, subject, bill):
        considerations = bill["metadata"]["component"]["modelCard"]["considerations"]
        card = (subject.root / MODEL_CARD).read_text()
        limits = card.split("## Limits\n\n")[1].split("\n\n##")[0].splitlines()
        assert considerations["useCases"][0].startswith("To try the pipeline")
        assert {line.removeprefix("- ") for line in limits} <= set(considerations["technicalLimitations"])
        assert any(one.startswith("Made-up data.") for one in considerations["technicalLimitations"])

    def test_its_serial_number_changes_with_what_it_says_and_with_nothing_else(self, subject, bill):
        other = changed(subject, "train", lambda record: record["environment"].update(python="3.99.0"))
        numbers = [json.loads(documents(one)[SBOM])["serialNumber"] for one in (subject, other)]
        assert numbers[0] == bill["serialNumber"]
        assert numbers[1] != bill["serialNumber"]


def entries(tree):
    """Every key with its value, at any depth."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield key, value
        if isinstance(value, dict | list):
            yield from entries(value)


# roc-validator's own use of rdflib
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
class TestCrate:
    @pytest.fixture
    def validate(self, tmp_path, monkeypatch):
        """roc-validator, with the context of RO-Crate 1.1 that rocrate carries: nothing is fetched."""
        from rocrate_validator import services
        from rocrate_validator.utils.http import HttpRequester

        asked = []

        def get(self, url, **_):
            asked.append(url)
            return Context()

        monkeypatch.setattr(HttpRequester, "get", get, raising=False)  # it passes on what it does not have

        def run(content):
            save(content, tmp_path)
            settings = services.ValidationSettings(
                rocrate_uri=str(tmp_path), profile_identifier="process-run-crate-0.5",
                requirement_severity="REQUIRED", no_cache=True,
            )  # fmt: skip
            issues = [one.message for one in services.validate(settings).get_issues()]
            assert set(asked) <= {"https://w3id.org/ro/crate/1.1/context"}
            return issues

        return run

    def test_roc_validator_accepts_it_as_a_process_run_crate(self, validate, written):
        assert validate(written) == []

    @pytest.mark.parametrize(("broken", "message"), [
        (lambda entity: entity.pop("instrument", None), "MUST have an instrument"),
        (lambda entity: entity.pop("datePublished", None), "MUST have a `datePublished`"),
    ], ids=["an action without instrument", "a root without date"])  # fmt: skip
    def test_roc_validator_rejects_it_when_broken(self, validate, written, broken, message):
        tree = json.loads(written[METADATA])
        for entity in tree["@graph"]:
            broken(entity)
        assert any(message in one for one in validate({**written, METADATA: encoded(tree)}))

    def test_rocrate_reads_it_and_finds_every_file_of_the_pack(self, written, tmp_path):
        from rocrate.rocrate import ROCrate

        save(written, tmp_path)
        read = ROCrate(str(tmp_path))
        assert {one.id for one in read.data_entities} == set(written) - {METADATA}
        assert [one["name"] for one in read.root_dataset["mentions"]] == list(STAGES)

    def test_whatever_it_refers_to_is_in_it(self, written):
        graph = by_id(written)
        named = {one for entity in graph.values() for key, one in entries(entity) if key == "@id"}
        assert named - {"https://w3id.org/ro/crate/1.1"} == set(graph)

    def test_files_beside_the_documents_are_described_too(self, subject):
        beside = {"ledger.jsonl": {"sha256": "0" * 64, "size": 7}}
        graph = by_id(documents(subject, beside=beside))
        assert {"@id": "ledger.jsonl"} in graph["./"]["hasPart"]
        assert graph["ledger.jsonl"]["contentSize"] == "7"

    def test_an_action_has_its_script_its_data_its_params_and_its_results(self, subject, written):
        graph, record = by_id(written), subject.records["train"]
        [action] = [one for one in graph.values() if one.get("name") == "train" and "result" in one]
        script = graph[action["instrument"]["@id"]]
        assert (script["name"], script["version"]) == ("pipeline/train.py", record["code"]["commit"])
        objects = [graph[one["@id"]] for one in action["object"]]
        assert {one["name"]: one["value"] for one in objects if "value" in one}["train.epochs"] == 6
        assert {one["sha256"] for one in objects if "sha256" in one} == {
            one["sha256"] for path, one in record["inputs"].items() if path.startswith("data/")
        }
        assert {graph[one["@id"]]["sha256"] for one in action["result"]} == {
            one["sha256"] for one in record["outputs"].values()
        }


class Context:
    """An answer of the network."""

    status_code = 200
    ok = True
    headers = {"Content-Type": "application/ld+json"}  # noqa: RUF012

    def json(self):
        return json.loads(files("rocrate").joinpath("data/ro-crate.jsonld").read_text("utf-8"))


def by_id(written):
    return {one["@id"]: one for one in json.loads(written[METADATA])["@graph"]}


class TestDatasheet:
    def test_its_counts_are_those_of_the_summary(self, subject, written):
        sheet = written[SHEET].decode()
        assert "48 in = 48 kept + 0 quarantined as broken; 0 more" in sheet
        assert "| spans: Disease | 125 | 14 | 59 |" in sheet
        assert "| groups | 16 | 2 | 6 |" in sheet

    def test_values_of_attributes_are_counted_where_records_may_not_be_shown(self, written):
        assert "| of the most common | 18 | 2 | 8 |" in written[SHEET].decode()

    def test_values_of_attributes_are_named_where_records_may_be_shown(self, subject):
        def shareable(record):
            record["lock"]["params"]["params.yaml"]["evaluate"]["shareable"] = True

        sheet = documents(changed(subject, "evaluate", shareable))[SHEET].decode()
        assert "| 40-64 | 18 | 2 | 2 |" in sheet

    def test_numbers_of_a_regression_have_their_range_where_a_split_has_any(self, elsewhere):
        summary = json.loads((elsewhere.root / SUMMARY).read_text())
        for split, lowest in (("train", {"dose": -0.5}), ("validation", {}), ("test", {"dose": 2.0})):
            del summary["splits"][split]["spans"]
            summary["splits"][split] |= {"values": {"dose": 1} if lowest else {}, "lowest": lowest}
        (elsewhere.root / SUMMARY).write_text(json.dumps(summary))
        sealed = {"sha256": sha256(elsewhere.root / SUMMARY), "size": 1}
        subject = changed(elsewhere, "preprocess", lambda record: record["outputs"].update({SUMMARY: sealed}))
        sheet = documents(subject)[SHEET].decode()
        assert "| values: dose | 1 | 0 | 1 |" in sheet
        assert "| lowest: dose | -0.5 | - | 2 |" in sheet

    def test_what_nobody_declared_is_missing(self, written):
        sheet = written[SHEET].decode()
        assert "There is no `declarations.yaml`." in sheet
        assert "**On which legal basis?** (`legal_basis`)\n\nMISSING\n" in sheet

    def test_what_people_declare_is_quoted_as_their_words(self, elsewhere):
        (elsewhere.root / "declarations.yaml").write_text(said("legal_basis", "# Consent, <b>broad</b>"))
        sheet = documents(elsewhere)[SHEET].decode()
        assert "(`legal_basis`)\n\n> \\# Consent, \\<b\\>broad\\</b\\> (A. Example, 2026-01-15)\n" in sheet
        assert f"SHA-256 {sha256(elsewhere.root / 'declarations.yaml')}" in sheet
        assert "(`consent`)\n\nMISSING\n" in sheet

    def test_a_declared_licence_is_that_of_the_crate(self, elsewhere):
        (elsewhere.root / "declarations.yaml").write_text(said("licence", "by agreement"))
        assert by_id(documents(elsewhere))["./"]["license"] == "by agreement (A. Example, 2026-01-15)"

    def test_the_example_of_declarations_is_read_here_as_by_the_checklist(self, elsewhere):
        example = ROOT / "docs/declarations.example.yaml"
        (elsewhere.root / "declarations.yaml").write_bytes(example.read_bytes())
        assert "(A. Example, clinical lead, 2026-01-15)" in documents(elsewhere)[SHEET].decode()

    def test_declarations_that_cannot_be_read_are_an_error_of_the_user(self, elsewhere):
        (elsewhere.root / "declarations.yaml").write_text("consent: [yes]\n")
        with pytest.raises(UserError, match=r"declarations\.yaml:1: consent"):
            documents(elsewhere)


class TestMarkdown:
    @given(st.text(st.sampled_from("ab \n\\`*_{}[]()<>#|~$&!-+=.1)\t:\"'/@"), max_size=30))
    def test_whatever_people_write_is_read_as_they_wrote_it(self, text):
        html = MarkdownIt("commonmark").render(quoted(text))
        tags = set(re.findall(r"<[^>]*>", html))
        assert tags <= {"<blockquote>", "</blockquote>", "<p>", "</p>"}
        assert unescape(re.sub(r"<[^>]*>", "", html)).split() == text.split()

    def test_a_text_with_marks_means_nothing_but_itself(self):
        assert plain("a|b\n*c* <d> &amp; [e](f) ![g] `h`") == (
            "a\\|b \\*c\\* \\<d\\> \\&amp; \\[e\\](f) \\!\\[g\\] \\`h\\`"
        )

    def test_a_quotation_has_no_lists_headings_or_rules(self):
        text = "- one\n1. two\n\n# three\n---\n=== \n2020-03"
        lines = ["\\- one", "1\\. two", "", "\\# three", "\\---", "\\===", "2020\\-03"]
        assert quoted(text) == "\n".join(f"> {line}".rstrip() for line in lines)

    def test_a_cell_stays_in_its_column(self):
        assert table(["a", "b"], [["x | y", 1]]).splitlines()[-1] == "| x \\| y | 1 |"


class TestWhatIsNotAsSealed:
    def test_the_copy_with_which_this_is_tested_says_the_same(self, elsewhere, written):
        assert documents(elsewhere) == written

    @pytest.mark.parametrize("name", QUOTED)
    @pytest.mark.parametrize("harm", ["changed", "gone"])
    def test_it_is_named_and_not_quoted(self, elsewhere, name, harm):
        file = elsewhere.root / name
        if harm == "gone":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes().replace(b"0.", b"9.").replace(b"48", b"84") + b" \n")
        content = documents(elsewhere)
        bill = json.loads(content[SBOM])
        [said] = [one["value"] for one in bill["properties"] if one["name"] == f"clintune:not-quoted:{name}"]
        assert said.startswith("not ")
        assert plain(name) in content[SHEET].decode()
        assert self.is_quoted(name, content) is False

    def is_quoted(self, name, content):
        bill = json.loads(content[SBOM])
        card = bill["metadata"]["component"]["modelCard"]
        return {
            SUMMARY: "84 in" in content[SHEET].decode() or "## Splits" in content[SHEET].decode(),
            METRICS: bool(card["quantitativeAnalysis"]["performanceMetrics"]),
            MODEL_CARD: "model_card.md" in content or bool(card["considerations"]),
            LOCK: any("externalReferences" in one for one in bill["components"]),
        }[name]

    def test_the_model_card_is_that_of_the_bundle_to_the_byte(self, subject, written):
        assert written["model_card.md"] == (subject.root / MODEL_CARD).read_bytes()

    def test_without_a_commit_no_lock_file_is_quoted(self, subject):
        bare = subject
        for stage in STAGES:
            bare = changed(bare, stage, lambda record: record.update(code=None))
        said = {one["name"]: one["value"] for one in json.loads(documents(bare)[SBOM])["properties"]}
        assert said[f"clintune:not-quoted:{LOCK}"] == "no commit was sealed"


class TestPrivacy:
    def test_nothing_that_identifies_stands_in_any_document(self, finished, written, tmp_path):
        save(written, tmp_path)
        nothing = {"text": set(), "id": set(), "value": set()}
        assert found(Project(tmp_path), ["."], planted(finished)) == nothing

    def test_no_file_of_the_corpus_is_called_by_its_name(self, subject):
        """Neither where it lies, nor in params that point to it, nor among the inputs of a stage."""

        def brought_in(record):
            name = "data/raw/files/Quillfeather, Zebedee.jsonl"
            record["outputs"][name] = record["outputs"].pop("data/raw/files/notes.jsonl")
            record["inputs"]["corpora/Zebedee/x.jsonl"] = {"sha256": "1" * 64, "size": 1}
            record["lock"]["params"]["params.yaml"]["ingest"] |= {
                "source": "files", "path": "/home/Zebedee", "include": ["Zebedee*"],
                "sha256": {"Zebedee.x": "2" * 64},
            }  # fmt: skip

        def read(record):
            name = "data/raw/files/Quillfeather, Zebedee.jsonl"
            record["inputs"][name] = record["inputs"].pop("data/raw/files/notes.jsonl")
            record["lock"]["params"]["params.yaml"]["preprocess"]["split"] = {
                "by": "file", "train": "Zebedee*", "validation": "Quillfeather*", "test": "*"
            }  # fmt: skip

        content = documents(changed(changed(subject, "ingest", brought_in), "preprocess", read))
        text = b"".join(content.values()).decode()
        assert "Zebedee" not in text
        assert "Quillfeather" not in text
        assert "corpus file 2" in text

    def test_who_ran_it_and_where_is_left_to_the_ledger(self, subject):
        def by(record):
            record["by"] = "zquillfeather"

        assert b"zquillfeather" not in b"".join(documents(changed(subject, "train", by)).values())

    def test_a_folder_with_a_base_model_is_called_by_its_last_name(self, subject):
        def folder(record):
            record["lock"]["params"]["params.yaml"]["model"] |= {
                "source": "folder", "name": "/home/zquillfeather/a-model"
            }  # fmt: skip

        text = b"".join(documents(changed(subject, "train", folder)).values())
        assert b"zquillfeather" not in text
        assert b"a-model" in text

    def test_no_document_says_that_rules_are_met(self, written):
        assert not [path for path, content in written.items() if b"compliant" in content.lower()]


class TestSameness:
    def test_another_process_writes_the_same_bytes(self, subject, written, tmp_path):
        script = (
            "import sys, json, hashlib, pathlib\n"
            "from tests.evidence.test_documents import *\n"
            f"root = pathlib.Path({str(subject.root)!r})\n"
            "subject = subject_of(root, Home(root / '.clintune'))\n"
            "print(json.dumps({k: hashlib.sha256(v).hexdigest() for k, v in documents(subject).items()}))\n"
        )
        done = Project(Path(__file__).parents[2], {"PYTHONHASHSEED": "7", "TZ": "Asia/Shanghai"}).run(
            sys.executable, "-c", script
        )
        assert json.loads(done.stdout) == {
            path: hashlib.sha256(content).hexdigest() for path, content in written.items()
        }

    def test_every_time_is_one_that_a_record_sealed(self, subject, written):
        sealed = {moment(record["started"]).removesuffix("+00:00") for record in subject.records.values()}
        text = b"".join(content for path, content in written.items() if path != "model_card.md").decode()
        assert set(re.findall(r"\d{4}-\d\d-\d\dT[\d:.]+", text)) == sealed
