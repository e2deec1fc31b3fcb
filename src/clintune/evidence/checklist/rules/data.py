"""Items 13 to 20: what became of the records, who is in which split, and what is missing."""

from collections.abc import Mapping
from typing import Any

from clintune.evidence.checklist.census import FEWEST, Census
from clintune.evidence.checklist.facts import METRICS, SUMMARY, TEST, Facts, known
from clintune.evidence.checklist.items import Evidence, Ruling, Unknown, ruling
from clintune.examples import SPLITS

_WINDOWS = "data/windows/summary.json"
_TEST_FILES = (TEST, "data/windows/test.parquet")
_CUTS, _READS, _COMPARES = "tokenize", "evaluate", "export"


def steps(facts: Facts) -> Ruling:
    """What came in = kept + quarantined, in all and in each split; what is quarantined has a reason."""
    summary = known(facts.summary)
    records, wrong = summary["records"], []
    evidence = [
        facts.sealed.says(f"records {name}", count, SUMMARY) for name, count in sorted(records.items())
    ]
    if records["in"] != records["kept"] + records["quarantined"]:
        wrong.append(
            f"{records['in']} records came in, {records['kept']} kept + {records['quarantined']} quarantined"
        )
    if sum(summary["reasons"].values()) != records["quarantined"]:
        wrong.append("not every quarantined record has a reason")
    for split, one in summary["splits"].items():
        aside = sum(one["quarantined"].values())
        evidence.append(
            facts.sealed.says(
                f"{split}: in, kept, quarantined", f"{one['in']}, {one['examples']}, {aside}", SUMMARY
            )
        )
        if one["in"] != one["examples"] + aside:
            wrong.append(f"{split}: {one['in']} in are not {one['examples']} kept and {aside} quarantined")
    return ruling(
        wrong,
        f"{records['in']} records in = {records['kept']} kept + {records['quarantined']} quarantined",
        evidence,
    )


def flow(facts: Facts) -> Ruling:
    """The same records at every border: kept, written, cut into windows, predicted, scored."""
    summary, windows, metrics = known(facts.summary), known(facts.windows), known(facts.metrics)
    evidence, wrong = [], []
    for split in SPLITS:
        kept = summary["splits"][split]["examples"]
        path = f"data/examples/{split}.parquet"
        counts = {
            "kept": (kept, SUMMARY),
            "written": (_rows(facts, path), path),
            "cut": (windows[split]["examples"], _WINDOWS),
        }
        if split == "test":
            said = "data/evaluation/predictions.parquet"
            counts |= {"predicted": (_rows(facts, said), said), "scored": (metrics["documents"], METRICS)}
        evidence += [
            facts.sealed.says(f"{split}: {name}", count, place) for name, (count, place) in counts.items()
        ]
        wrong += [
            f"{split}: {kept} kept, {count} {name}" for name, (count, _) in counts.items() if count != kept
        ]
    path = "data/examples/quarantine.parquet"
    aside, quarantined = _rows(facts, path), summary["records"]["quarantined"]
    evidence.append(facts.sealed.says("set aside", aside, path))
    wrong += [f"{quarantined} quarantined, {aside} set aside"] if aside != quarantined else []
    return ruling(wrong, "no record is lost or gained on the way to the last prediction", evidence)


def _rows(facts: Facts, path: str) -> int:
    if path not in facts.rows:
        raise Unknown(f"{path} is not here as it was sealed")
    return facts.rows[path]


def _counted(facts: Facts, what: str, count: object) -> Evidence:
    """A count over all splits: the record of preprocess has the SHA-256 of each."""
    return facts.recorded(f"{what}, counted here in all splits", count, "preprocess")


def independent(facts: Facts) -> Ruling:
    """No group, no text and hardly a text in two splits."""
    found = known(facts.census)
    counts = {
        "groups in two splits": found.shared_groups,
        "texts that an earlier split has too": found.same,
        "texts that an earlier split nearly has (Jaccard of word triples at least 0.8)": found.near,
    }
    total = sum(found.examples.values())
    some = (
        ""
        if found.compared == total
        else f"; likeness was looked for among {found.compared} of {total} texts"
    )
    looked = {**counts, "texts compared for likeness": f"{found.compared} of {total}"}
    evidence = [_counted(facts, what, count) for what, count in looked.items()]
    wrong = [f"{count} {what}" for what, count in counts.items() if count]
    return ruling(wrong, f"no group and no text, not even nearly, lies in two splits{some}", evidence)


def reads(facts: Facts) -> Ruling:
    """Cut once, read by evaluate, compared with its predictions after that; and how often."""
    readers = [
        stage for stage, record in facts.subject.records.items()
        if any(path in record["inputs"] for path in _TEST_FILES)
    ]  # fmt: skip
    evidence = [facts.recorded("reads the test split", stage, stage) for stage in readers]
    wrong = [f"{one} reads the test split" for one in readers if one not in {_CUTS, _READS, _COMPARES}]
    if _COMPARES in readers and METRICS not in facts.record(_COMPARES)["inputs"]:
        wrong.append(f"{_COMPARES} reads the test split before it is scored")
    count = len(facts.reads)
    evidence.append(facts.recorded("sealed evaluations on this test split", count, _READS))
    held = (
        f"scored by {_READS} alone, {count} so far sealed; {_CUTS} cuts it, {_COMPARES} compares afterwards"
    )
    return ruling(wrong, held, evidence)


def annotation(facts: Facts) -> Ruling:
    """Nobody annotates what a program wrote with its targets."""
    if not facts.synthetic:
        raise Unknown("who annotated, and how well they agree, is not in the records")
    source = facts.recorded("ingest.source", facts.section("ingest")["source"], "ingest")
    return Ruling("N-A", "the notes are written by a program, targets and all: nobody annotated", (source,))


def subgroups(facts: Facts) -> Ruling:
    """Records by attribute and split, counted here and by preprocess alike; small cells flagged."""
    found, summary = known(facts.census), known(facts.summary)
    wrong, evidence = [], []
    for name, values in sorted(found.cells.items()):
        cells = [values[value].get(split, 0) for value in values for split in SPLITS]
        small = sum(count < FEWEST for count in cells)
        said = f"{len(values)} values, {small} of {len(cells)} cells below {FEWEST}, smallest {min(cells)}"
        evidence.append(facts.sealed.says(f"{name}: records by value and split", said, SUMMARY))
        if not all(_same(found, summary, name, split) for split in SPLITS):
            wrong.append(f"preprocess counted other values of {name} than there are")
    if not found.cells:
        raise Unknown("the records name no attributes: nothing is known of subgroups")
    return ruling(
        wrong, f"{len(found.cells)} attributes counted; whom the model is meant for is not known", evidence
    )


def _same(found: Census, summary: Mapping[str, Any], name: str, split: str) -> bool:
    said = summary["splits"][split]["attributes"].get(name, {})
    here = {value: splits[split] for value, splits in found.cells[name].items() if split in splits}
    return said is None or said == here  # None: too many values to count


def missing(facts: Facts) -> Ruling:
    """Attributes that records are without, and texts that are none."""
    found = known(facts.census)
    total = sum(found.examples.values())
    evidence = [
        _counted(facts, f"records without {name}", f"{count} of {total}")
        for name, count in found.without.items()
    ]  # fmt: skip
    evidence.append(_counted(facts, "records without a text", found.empty))
    wrong = [f"{found.empty} records have no text"] if found.empty else []
    if not found.without:
        raise Unknown("the records name no attributes: what is missing of them is not known")
    most = max(found.without.values())
    return ruling(
        wrong,
        f"counted for {len(found.without)} attributes: at most {most} of {total} are without one",
        evidence,
    )


def legal(facts: Facts) -> Ruling:
    """Targets inside their text and of known labels; what is not was set aside, with a reason."""
    found, summary = known(facts.census), known(facts.summary)
    total = sum(found.examples.values())
    evidence = [
        _counted(facts, "examples with a target that cannot be", f"{found.illegal} of {total}"),
        facts.sealed.says("set aside, with a reason", summary["records"]["quarantined"], SUMMARY),
        facts.sealed.says("labels", len(summary["labels"]), SUMMARY),
    ]
    wrong = [f"{found.illegal} examples have a target that cannot be"] if found.illegal else []
    return ruling(wrong, f"the targets of all {total} examples are legal", evidence)
