"""One pass from raw files to three splits of examples and a quarantine."""

from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from clintune.errors import DataError
from clintune.examples import SPLITS, Record, Spans, Split
from clintune.files import table_writer, whole_folder, write_json
from clintune.params import Preprocess
from clintune.preprocessing.checking import Check, Checked, Fault, examine
from clintune.preprocessing.counting import Counts
from clintune.preprocessing.splitting import Claims, choose_split, open_claims
from clintune.sources.manifest import verify_manifest
from clintune.sources.readers import READERS
from clintune.tables import SPANS, examples_writer

QUARANTINE_SCHEMA = pa.schema(
    [(column, pa.string()) for column in ("id", "place", "split", "reason", "detail")]
)


def preprocess(section: Preprocess, *, seed: int, check: Check, raw: Path, examples: Path) -> dict[str, Any]:
    """Read, check and split the records of `raw`; returns what summary.json holds.

    Every record of a split is either kept or in quarantine.parquet. Raises SourceError for a file that is
    changed or illegal; DataError for more broken records than `max_quarantined`, or a split without any.
    """
    verify_manifest(raw)
    with whole_folder(examples) as draft, open_claims() as claims:
        counts = _fill(draft, section, seed, check, raw / "files", claims)
        _demand_few_faults(counts, section.max_quarantined)
        _demand_records(counts)
        summary = counts.summary(claims.groups())
        write_json(draft / "summary.json", summary)
    return summary


def _fill(folder: Path, section: Preprocess, seed: int, check: Check, corpus: Path, claims: Claims) -> Counts:
    """Write the three splits and the quarantine in one pass over the corpus."""
    counts = Counts()
    with ExitStack() as stack, closing(READERS[section.format](corpus, section)) as records:
        keep = {
            split: stack.enter_context(examples_writer(folder / f"{split}.parquet", SPANS))
            for split in SPLITS
        }
        set_aside = stack.enter_context(table_writer(folder / "quarantine.parquet", QUARANTINE_SCHEMA))
        for record in records:
            split = choose_split(record, section.split, seed)
            if split is None:
                counts.left_out += 1
                continue
            outcome = _outcome(record, split, section, check, claims)
            counts.add(record, split, outcome)
            if isinstance(outcome, Fault):
                set_aside(_quarantined(record, split, outcome))
            else:
                keep[split](outcome.example)
    return counts


def _outcome(
    record: Record[Spans], split: Split, section: Preprocess, check: Check, claims: Claims
) -> Checked | Fault:
    checked = examine(record, section.labels, check)
    if isinstance(checked, Fault):
        return checked
    return claims.claim(checked.example, split) or checked


def _quarantined(record: Record[Spans], split: Split, fault: Fault) -> dict[str, str]:
    return {
        "id": record.example.id, "place": record.place, "split": split, "reason": fault.reason,
        "detail": fault.detail,
    }  # fmt: skip


def _demand_few_faults(counts: Counts, at_most: float) -> None:
    broken = counts.reasons.total()
    if broken <= at_most * counts.seen:
        return
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(counts.reasons.items()))
    raise DataError(
        counts.first_fault,
        f"{broken} of {counts.seen} records are broken ({reasons}), and max_quarantined allows {at_most}",
        "mend them, or set preprocess.max_quarantined to go on without them",
    )


def _demand_records(counts: Counts) -> None:
    place = "params.yaml: preprocess.split"
    if not counts.seen:
        problem = f"the corpus holds no record for it ({counts.left_out} in files that fit no pattern)"
        raise DataError(place, problem, "check preprocess.format, preprocess.split and ingest.include")
    for split, found in counts.splits.items():
        if not found.kept:
            problem = f"no record of {counts.seen} is left for {split}"
            raise DataError(f"{place}.{split}", problem, "give it a larger share, or mend its pattern")


def metrics(summary: Mapping[str, Any]) -> dict[str, float]:
    """The summary's counts, for the tracked run."""
    records = {f"records.{name}": float(count) for name, count in summary["records"].items()}
    reasons = {f"quarantined.{reason}": float(count) for reason, count in summary["reasons"].items()}
    splits = {
        f"{split}.{name}": float(counts[name])
        for split, counts in summary["splits"].items()
        for name in ("examples", "groups", "characters", "discontinuous")
    }
    spans = {
        f"{split}.spans": float(sum(counts["spans"].values())) for split, counts in summary["splits"].items()
    }
    return records | reasons | splits | spans


def describe(summary: Mapping[str, Any]) -> str:
    """The summary for a reviewer, in Markdown: counts and labels, no text of a record."""
    records, splits = summary["records"], summary["splits"]
    reasons = "".join(f"- {reason}: {count}\n" for reason, count in sorted(summary["reasons"].items()))
    rows = {
        "examples": [splits[split]["examples"] for split in SPLITS],
        "groups": [splits[split]["groups"] for split in SPLITS],
        "characters": [splits[split]["characters"] for split in SPLITS],
        "discontinuous spans": [splits[split]["discontinuous"] for split in SPLITS],
    } | {
        f"spans: {label}": [splits[split]["spans"].get(label, 0) for split in SPLITS]
        for label in summary["labels"]
    }
    table = "\n".join(f"| {name} | " + " | ".join(map(str, row)) + " |" for name, row in rows.items())
    return (
        f"Records in: {records['in']} = kept {records['kept']} + quarantined {records['quarantined']}"
        f" (in files that belong to no split, and not read further: {records['left_out']}).\n{reasons}\n"
        f"| | {' | '.join(SPLITS)} |\n| --- |{' --: |' * len(SPLITS)}\n{table}\n"
    )
