"""One pass from raw files to three splits of examples and a quarantine."""

from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from clintune.errors import DataError
from clintune.examples import SPLITS, Record, Split
from clintune.files import table_writer, whole_folder, write_json
from clintune.params import Preprocess, SplitByFile
from clintune.preprocessing.assigning import Assigned, assign
from clintune.preprocessing.counting import Counts
from clintune.preprocessing.splitting import Claims, open_claims
from clintune.sources.manifest import verify_manifest
from clintune.tables import examples_writer
from clintune.tasks.admission import Admitted, Fault, LeftOut
from clintune.tasks.intakes import Intake

QUARANTINE_SCHEMA = pa.schema(
    [(column, pa.string()) for column in ("id", "place", "split", "reason", "detail")]
)


def preprocess(
    section: Preprocess, *, seed: int, intake: Intake, raw: Path, examples: Path
) -> dict[str, Any]:
    """Read, check and split the records of `raw`; returns what summary.json holds.

    Every record of a split is either kept or in quarantine.parquet. Raises SourceError for a file that is
    changed or illegal; DataError for more broken records than `max_quarantined`, a split without any, or a
    train or validation in which none has a label.
    """
    verify_manifest(raw)
    with whole_folder(examples) as draft, open_claims() as claims:
        records = assign(raw / "files", section, seed, intake)
        counts = _fill(draft, records, intake, claims)
        _demand_few_faults(counts, section.max_quarantined)
        groups = claims.groups()
        _demand_records(counts, groups, by_file=isinstance(section.split, SplitByFile))
        summary = counts.summary(groups)
        write_json(draft / "summary.json", summary)
    return summary


def _fill(folder: Path, records: Generator[Assigned, None, None], intake: Intake, claims: Claims) -> Counts:
    """Write the three splits and the quarantine in one pass over the corpus."""
    counts = Counts.of(intake)
    with ExitStack() as stack, closing(records):
        keep = {
            split: stack.enter_context(examples_writer(folder / f"{split}.parquet", intake.target))
            for split in SPLITS
        }
        set_aside = stack.enter_context(table_writer(folder / "quarantine.parquet", QUARANTINE_SCHEMA))
        for record, split, outcome in records:
            if split is None or isinstance(outcome, LeftOut):
                counts.left_out += 1
                continue
            settled = _settled(outcome, split, claims)
            counts.add(record, split, settled)
            if isinstance(settled, Fault):
                set_aside(_quarantined(record, split, settled))
            else:
                keep[split](settled.example)
    return counts


def _settled(outcome: Admitted[Any] | Fault, split: Split, claims: Claims) -> Admitted[Any] | Fault:
    if isinstance(outcome, Fault):
        return outcome
    return claims.claim(outcome.example, split) or outcome


def _quarantined(record: Record[Any], split: Split, fault: Fault) -> dict[str, str]:
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


def _demand_records(counts: Counts, groups: Mapping[Split, int], *, by_file: bool) -> None:
    place = "params.yaml: preprocess.split"
    if not counts.seen:
        problem = f"the corpus holds no record for it ({counts.left_out} in files that fit no pattern)"
        raise DataError(place, problem, "check preprocess.format, preprocess.split and ingest.include")
    larger = "mend its pattern" if by_file else "give it a larger share"
    for split, found in counts.splits.items():
        if not found.kept:
            problem, step = f"no record of {counts.seen} is left for {split}", larger
            if not by_file and (known := sum(groups.values())) < len(SPLITS):
                problem += f": those that are kept are of {known} groups, and a group lies in one split"
                step = "bring records of more groups (patients), or mend what names them"
            raise DataError(f"{place}.{split}", problem, step)
        if split != "test" and not found.targets.labels():
            problem = f"none of the {found.kept} records of {split} is annotated, and training goes by them"
            raise DataError(f"{place}.{split}", problem, f"{larger}, or mend preprocess.labels")


def metrics(summary: Mapping[str, Any]) -> dict[str, float]:
    """The summary's counts, for the tracked run."""
    records = {f"records.{name}": float(count) for name, count in summary["records"].items()}
    reasons = {f"quarantined.{reason}": float(count) for reason, count in summary["reasons"].items()}
    splits = {
        f"{split}.{name}": float(sum(count.values()) if isinstance(count, Mapping) else count)
        for split, counts in summary["splits"].items()
        for name, count in counts.items()
        if name in _COUNTED
    }
    return records | reasons | splits


_COUNTED = ("examples", "groups", "characters", "discontinuous", "spans", "labels", "values")
"""What is a count, or counts that add up."""

_ELSEWHERE = ("in", "quarantined", "attributes")
"""Not in the table of a split."""


def describe(summary: Mapping[str, Any]) -> str:
    """The summary for a reviewer, in Markdown: counts and labels, no text of a record."""
    records, splits = summary["records"], summary["splits"]
    reasons = "".join(f"- {reason}: {count}\n" for reason, count in sorted(summary["reasons"].items()))
    table = "\n".join(
        f"| {name} | {' | '.join(f'{row[split]:.10g}' for split in SPLITS)} |"
        for name, row in _rows(splits).items()
    )
    return (
        f"Records in: {records['in']} = kept {records['kept']} + quarantined {records['quarantined']}"
        f" (in files that belong to no split, or of a label that is left out: {records['left_out']})."
        f"\n{reasons}\n| | {' | '.join(SPLITS)} |\n| --- |{' --: |' * len(SPLITS)}\n{table}\n"
    )


def _rows(splits: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """What the splits hold, by name, or by name and label; 0 where one has nothing of it."""
    rows: dict[str, dict[str, float]] = {}
    for split, counts in splits.items():
        for name, count in counts.items():
            if name in _ELSEWHERE:
                continue
            labelled = (
                {f"{name}: {label}": one for label, one in count.items()}
                if isinstance(count, Mapping)
                else {name: count}
            )
            for row, one in labelled.items():
                rows.setdefault(row, dict.fromkeys(SPLITS, 0))[split] = one
    return rows
