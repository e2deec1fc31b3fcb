"""datasheet.md: what is known of the data. Counts by the program, the rest by people, or MISSING."""

from collections.abc import Iterator, Mapping
from typing import Any

from clintune.evidence.declared import DECLARATIONS, Words
from clintune.evidence.documents.naming import Names, params_of, text_of
from clintune.evidence.documents.questions import QUESTIONS
from clintune.evidence.documents.quoting import SUMMARY, Quotes
from clintune.evidence.subject import Record
from clintune.examples import SPLITS, Split
from clintune.markdown import plain, quoted, table

_ELSEWHERE = ("in", "quarantined", "attributes")
"""Not in the table of a split."""

_MOST_VALUES = 20
"""So many values of an attribute are named, the most common first."""


def datasheet(records: Mapping[str, Record], quotes: Quotes, names: Names, declarations: Words) -> str:
    """The whole sheet, in Markdown. No text of a record, no name of a corpus file."""
    summary = quotes.tree(SUMMARY)
    blocks = [*_head(), *_source(records, names)]
    if summary is None:
        blocks += ["## Records", f"`{SUMMARY}` is not quoted: {plain(quotes.refused[SUMMARY])}."]
    else:
        blocks += [
            *_counts(summary),
            *_splits(summary, records),
            *_attributes(summary, shareable=_shareable(records)),
        ]
    blocks += [*_declared(declarations), *_not_quoted(quotes)]
    return "\n\n".join(blocks) + "\n"


def _head() -> Iterator[str]:
    yield "# Datasheet"
    yield (
        "Counts come from files whose SHA-256 is the one that a stage sealed. What only people can say is"
        f" theirs, from `{DECLARATIONS}`; where they say nothing, it says MISSING. No program judged it."
    )


def _source(records: Mapping[str, Record], names: Names) -> Iterator[str]:
    if "ingest" not in records:
        return
    record = records["ingest"]
    params, outputs = params_of(record), record["outputs"]
    corpus = sorted((names(path), one) for path, one in outputs.items() if path in names.numbers)
    made_up = params["ingest.source"] == "synthetic"
    yield "## Source"
    yield (
        "Made up by a program from templates and word lists. No person stands behind these records."
        if made_up
        else "Copied byte for byte from files of the user."
    )
    yield (
        "Files of a corpus may be named after people: here they have a number, in the order of their hashes."
        f" {_code(record['code'])}"
    )
    yield table(
        ["file", "bytes", "SHA-256"], [[name, f"{one['size']:,}", one["sha256"]] for name, one in corpus]
    )
    yield table(["param", "value"], [[key, text_of(value)] for key, value in params.items()])


def _code(code: Mapping[str, Any] | None) -> str:
    if code is None:
        return "No commit was sealed."
    return f"Commit {code['commit']}{', with changes that are not part of it' if code['dirty'] else ''}."


def _counts(summary: Mapping[str, Any]) -> Iterator[str]:
    counts, reasons = summary["records"], summary["reasons"]
    yield "## Records"
    yield (
        f"{counts['in']:,} in = {counts['kept']:,} kept + {counts['quarantined']:,} quarantined as broken;"
        f" {counts['left_out']:,} more in files that belong to no split, or of a label that is left out."
    )
    if reasons:
        yield table(["reason", "records"], [[reason, f"{one:,}"] for reason, one in sorted(reasons.items())])


def _splits(summary: Mapping[str, Any], records: Mapping[str, Record]) -> Iterator[str]:
    splits = summary["splits"]
    rows: dict[str, dict[Split, float]] = {}
    for split in SPLITS:
        for name, value in splits[split].items():
            if name not in _ELSEWHERE:
                labelled = value if isinstance(value, Mapping) else {"": value}
                for label, one in labelled.items():
                    rows.setdefault(f"{name}: {label}" if label else name, {})[split] = one
    rows["quarantined"] = {split: sum(splits[split]["quarantined"].values()) for split in SPLITS}
    yield "## Splits"
    yield "All records of one group (patient, document) lie in one split."
    yield table(
        ["", *SPLITS], [[name, *(_cell(row, split) for split in SPLITS)] for name, row in rows.items()]
    )
    if "preprocess" in records:
        params = {
            key: one for key, one in params_of(records["preprocess"]).items() if key.startswith("preprocess")
        }
        yield table(["param", "value"], [[key, text_of(value)] for key, value in params.items()])
    yield f"Labels: {', '.join(plain(label) for label in summary['labels']) or 'none'}."


def _cell(row: Mapping[Split, float], split: Split) -> str:
    """A split has none of a label that it does not name; of what is no count, it has nothing to say."""
    if split in row:
        return f"{row[split]:,.10g}"
    return "0" if all(isinstance(one, int) for one in row.values()) else "-"


def _shareable(records: Mapping[str, Record]) -> bool:
    return "evaluate" in records and params_of(records["evaluate"])["evaluate.shareable"] is True


def _attributes(summary: Mapping[str, Any], *, shareable: bool) -> Iterator[str]:
    """A value may name a person: where records may not be shown, values are counted and not named."""
    names = sorted({name for split in summary["splits"].values() for name in split["attributes"]})
    yield "## Attributes"
    if not names:
        yield "The records carry none."
        return
    if not shareable:
        yield "Not declared shareable (`evaluate.shareable`), and a value may name a person: counts only."
    of_name = {
        name: {split: summary["splits"][split]["attributes"].get(name, {}) for split in SPLITS}
        for name in names
    }
    for name, values in of_name.items():
        yield f"### {plain(name)}"
        if None in values.values():
            yield "Too many values to count."
        elif shareable:
            yield _named(values)
        else:
            yield _counted(values)


def _named(values: Mapping[Split, Mapping[str, int]]) -> str:
    """Records by value and split; the values that are not among the most common in one row."""
    every = {value for counts in values.values() for value in counts}
    order = sorted(every, key=lambda one: (-sum(counts.get(one, 0) for counts in values.values()), one))
    rows = [
        [value, *(f"{values[split].get(value, 0):,}" for split in SPLITS)] for value in order[:_MOST_VALUES]
    ]
    if rest := order[_MOST_VALUES:]:
        others = (sum(values[split].get(one, 0) for one in rest) for split in SPLITS)
        rows.append([f"{len(rest):,} other values", *(f"{one:,}" for one in others)])
    return table(["value", *SPLITS], rows)


def _counted(values: Mapping[Split, Mapping[str, int]]) -> str:
    facts = {
        "values": {split: len(values[split]) for split in SPLITS},
        "records with one": {split: sum(values[split].values()) for split in SPLITS},
        "of the most common": {split: max(values[split].values(), default=0) for split in SPLITS},
        "of the rarest": {split: min(values[split].values(), default=0) for split in SPLITS},
    }
    return table(
        ["", *SPLITS], [[name, *(f"{one[split]:,}" for split in SPLITS)] for name, one in facts.items()]
    )


def _declared(declarations: Words) -> Iterator[str]:
    yield "## Declared by people"
    yield (
        f"From `{DECLARATIONS}`, SHA-256 {declarations.sha256}: a person's word, which nothing here checks."
        if declarations.sha256
        else f"There is no `{DECLARATIONS}`."
    )
    for title, questions in QUESTIONS.items():
        yield f"### {title}"
        for key, question in questions.items():
            answer = declarations.declared(key)
            yield f"**{question}** (`{key}`)"
            yield "MISSING" if answer is None else quoted(answer)


def _not_quoted(quotes: Quotes) -> Iterator[str]:
    if quotes.refused:
        yield "## Not quoted"
        yield table(["file", "why"], sorted(quotes.refused.items()))
