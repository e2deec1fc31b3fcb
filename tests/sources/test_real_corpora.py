"""Published corpora, read whole: the counts are those of their own descriptions, or of a count by script.

Skipped where CLINTUNE_CORPORA names no folder with them. No sentence of them is in this repository.
"""

import re
from collections import Counter
from pathlib import PurePosixPath

import pytest

from clintune.examples import SPLITS
from clintune.ingesting import ingest
from clintune.preprocessing import preprocess
from clintune.sources.readers import READERS
from clintune.tables import SPANS, read_examples
from clintune.tasks.intakes import INTAKES
from tests.corpora import by_file, files_at, reading, real_corpus


def summary_of(tmp_path, path, section, include=("*",)):
    ingest(files_at(real_corpus(path), include=include), seed=1, raw=tmp_path / "raw")
    return preprocess(
        section, seed=1, intake=INTAKES["entities"], raw=tmp_path / "raw", examples=tmp_path / "examples"
    )


def examples(tmp_path):
    for split in SPLITS:
        yield from read_examples(tmp_path / f"examples/{split}.parquet", SPANS)


def of(summary, what):
    return [summary["splits"][split][what] for split in SPLITS]


def spans(summary):
    return [sum(counts.values()) for counts in of(summary, "spans")]


def test_ncbi_disease_from_pubtator_without_its_duplicate_document(tmp_path):
    section = reading("pubtator", split=by_file("*train*", "*develop*", "*test*"), max_quarantined=0.01)
    summary = summary_of(tmp_path, "ncbi-disease/original", section)
    assert summary["reasons"] == {"duplicate_id": 1}
    assert of(summary, "examples") == [592, 100, 100]
    assert spans(summary) == [5134, 787, 960]
    assert of(summary, "spans")[2] == {
        "SpecificDisease": 555, "Modifier": 264, "DiseaseClass": 121, "CompositeMention": 20,
    }  # fmt: skip


def test_ncbi_disease_from_brat_has_both_copies_under_names_of_their_own(tmp_path):
    section = reading("brat", split=by_file("*/train/*", "*/devel/*", "*/test/*"))
    summary = summary_of(tmp_path, "ncbi-disease/standoff.tar.gz", section)
    assert of(summary, "examples") == [593, 100, 100]
    assert spans(summary) == [5145, 787, 960]


@pytest.mark.parametrize(
    ("folder", "scheme", "sentences", "mentions"),
    [
        ("ncbi-disease/conll", "iob2", [5432, 923, 940], [5145, 787, 960]),
        ("ncbi-disease/conll-iobes", "iobes", [5424, 923, 940], [5134, 787, 960]),
        ("bc5cdr/conll", "iob2", [4560, 4581, 4797], [9385, 9593, 9809]),
        ("bionlp13cg/conll", "iob2", [3033, 1003, 1906], [10826, 3616, 6881]),
    ],
)
def test_conll_columns(tmp_path, folder, scheme, sentences, mentions):
    summary = summary_of(tmp_path, folder, reading("conll", split=by_file(), scheme=scheme))
    assert of(summary, "examples") == sentences
    assert spans(summary) == mentions


def test_bc5cdr_from_pubtator(tmp_path):
    summary = summary_of(
        tmp_path, "bc5cdr/pubtator", reading("pubtator", split=by_file("*Tr*", "*De*", "*Te*"))
    )
    assert of(summary, "spans") == [
        {"Chemical": 5203, "Disease": 4182}, {"Chemical": 5347, "Disease": 4244},
        {"Chemical": 5385, "Disease": 4424},
    ]  # fmt: skip
    assert max(len(one.text) for one in examples(tmp_path)) >= 3907


def nested(spans):
    """Pairs of spans one of which lies in the other, and is smaller."""
    pairs = [(a, b) for a in spans for b in spans if a.start <= b.start and b.end <= a.end]
    return sum((a.start, a.end) != (b.start, b.end) for a, b in pairs)


def test_bionlp13cg_keeps_nested_entities_and_reads_no_event(tmp_path):
    section = reading("brat", split=by_file("*/train/*", "*/devel/*", "*/test/*"))
    summary = summary_of(tmp_path, "bionlp13cg", section, include=("*.tar.gz",))
    assert spans(summary) == [10935, 3634, 6955]
    assert len(summary["labels"]) == 16
    assert summary["records"]["left_out"] == 10
    by_split = [
        sum(nested(one.target) for one in read_examples(tmp_path / f"examples/{split}.parquet", SPANS))
        for split in SPLITS
    ]
    assert by_split == [143, 24, 87]
    twice = Counter((one.id, span.start, span.end) for one in examples(tmp_path) for span in one.target)
    assert sum(count > 1 for count in twice.values()) == 4


def test_meddocan_has_every_offset_right_and_its_byte_order_marks_kept(tmp_path):
    section = reading("brat", split=by_file("*/train/*", "*/dev/*", "*/test/*"))
    summary = summary_of(tmp_path, "meddocan", section, include=("*.tar.gz",))
    assert summary["records"] == {"in": 1000, "kept": 1000, "quarantined": 0, "left_out": 0}
    assert sum(spans(summary)) == 22795
    assert len(summary["labels"]) == 22
    texts = [one.text for one in examples(tmp_path)]
    assert sum(text.startswith("\ufeff") for text in texts) == 32
    assert sum("\u0082" in text for text in texts) == 1


def test_cmedqaner_from_columns_with_white_space_for_tokens(tmp_path):
    section = reading("conll", split=by_file(), separator="space", joiner="")
    summary = summary_of(tmp_path, "cmedqaner", section, include=("train.txt", "dev.txt", "test.txt"))
    assert of(summary, "characters") == [175830, 15025, 18563]
    by_type = {label: [counts[label] for counts in of(summary, "spans")] for label in summary["labels"]}
    assert by_type == {
        "disease": [3890, 332, 431], "body": [2443, 203, 234], "symptom": [2277, 130, 229],
        "treatment": [1066, 107, 145], "crowd": [735, 48, 78], "drug": [541, 44, 61], "test": [485, 70, 49],
        "physiology": [384, 32, 45], "feature": [311, 27, 28], "time": [212, 18, 32],
        "department": [146, 13, 8],
    }  # fmt: skip
    spaces = sum(len(re.findall("[\u3000\u00a0]", one.text)) for one in examples(tmp_path))
    assert spaces == 325


def test_no_document_of_pubtator_and_brat_differs(tmp_path):
    """Two readers, two files, one corpus: the same spans of the same text."""

    def documents(path, format_):
        ingest(files_at(real_corpus(path)), seed=1, raw=tmp_path / format_)
        for record in READERS[format_](tmp_path / format_ / "files", reading(format_)):
            example = record.example
            yield PurePosixPath(example.id).name, example.text.split(), tuple(sorted(example.target))

    one = {name: (words, spans) for name, words, spans in documents("ncbi-disease/original", "pubtator")}
    other = {name: (words, spans) for name, words, spans in documents("ncbi-disease/standoff.tar.gz", "brat")}
    assert all(other[name] == one[name] for name in one)
