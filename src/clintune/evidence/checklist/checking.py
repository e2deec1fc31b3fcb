"""The checklist of a subject, and what an evidence pack holds of it."""

from collections.abc import Mapping, Sequence

from clintune.evidence.checklist.asks import ASKS, Ask
from clintune.evidence.checklist.facts import Facts, gather
from clintune.evidence.checklist.items import Checklist, Item, Ruling, Unknown
from clintune.evidence.checklist.report.page import render
from clintune.evidence.checklist.rules.table import RULES
from clintune.evidence.checklist.signatures import Signature
from clintune.evidence.declared import DECLARATIONS
from clintune.evidence.subject import Subject
from clintune.evidence.verification.findings import Finding
from clintune.sealing.canonical import canonical


def checklist(
    subject: Subject, findings: Sequence[Finding], *, signatures: Sequence[Signature] = ()
) -> Checklist:
    """A verdict on each of the 43 items. `findings` are those of `clintune verify`.

    Raises UserError where a file of declarations is not in its form.
    """
    return judge(gather(subject, findings, signatures))


def parts(
    subject: Subject,
    findings: Sequence[Finding],
    *,
    signatures: Sequence[Signature] = (),
    places: Mapping[str, str] | None = None,
) -> dict[str, bytes]:
    """checklist.json and report.html. `places`: where in the pack a file lies, by its SHA-256."""
    facts = gather(subject, findings, signatures)
    found = judge(facts)
    page = render(facts, found, places={} if places is None else places)
    return {"checklist.json": canonical(found.as_json()) + b"\n", "report.html": page.encode("utf-8")}


def judge(facts: Facts) -> Checklist:
    """The verdicts that follow from facts."""
    return Checklist(tuple(_item(facts, ask) for ask in ASKS))


def _item(facts: Facts, ask: Ask) -> Item:
    try:
        found = RULES[ask.number](facts) if ask.number in RULES else Ruling("MISSING", "")
    except Unknown as why:
        found = Ruling("MISSING", str(why))
    if not ask.key or found.verdict in {"FAIL", "N-A"}:
        return Item(ask, found.verdict, found.reason, found.evidence, facts.declarations.get(ask.key))
    return _declared(facts, ask, found)


def _declared(facts: Facts, ask: Ask, found: Ruling) -> Item:
    """What a person has to say: said since params last changed, or missing."""
    said, since = facts.declarations.get(ask.key), facts.params_since
    before = f"{found.reason}; " if found.reason else ""
    if said is None:
        reason = f"{before}nothing is declared as {ask.key} in {DECLARATIONS}"
        return Item(ask, "MISSING", reason, found.evidence, None)
    if since is not None and said.date < since:
        reason = f"{before}stale: {ask.key} was declared on {said.date}, and params changed on {since}"
        return Item(ask, "MISSING", reason, found.evidence, said)
    reason = f"declared by {said.by} on {said.date}, in {DECLARATIONS}"
    return Item(ask, "DECLARED", f"{before}{reason}", found.evidence, said)
