"""Items 21 to 25: what identifies people, where it went, what the model keeps of them."""

from clintune.evidence.checklist.facts import Facts, known
from clintune.evidence.checklist.items import Ruling, Unknown, ruling
from clintune.params import leaves

_NOBODY = "a program wrote the notes: they are of nobody"
_NOISE = ("noise", "noise_multiplier", "privacy", "target_epsilon")


def identifiers(facts: Facts) -> Ruling:
    """No stage takes identifiers out: a person says who did, and how."""
    if not facts.synthetic:
        raise Unknown("no stage takes identifiers out, and nobody has said who did")
    source = facts.recorded("ingest.source", facts.section("ingest")["source"], "ingest")
    return Ruling("N-A", _NOBODY, (source,))


def ages(facts: Facts) -> Ruling:
    """Ages of 90 and more, looked for in every text; what was declared may be contradicted."""
    found = known(facts.census)
    what = "texts with an age of 90 or more, looked for in English, counted here in all splits"
    evidence = (facts.recorded(what, found.old, "preprocess"),)
    if facts.synthetic:
        return Ruling("N-A", _NOBODY, evidence)
    claimed = "deidentification" in facts.declarations
    if claimed and found.old:
        return Ruling(
            "FAIL", f"{found.old} texts have an age of 90 or more, and they are said to have none", evidence
        )
    return Ruling(
        "MISSING",
        f"{found.old} texts with an age of 90 or more; of dates and places nothing is known",
        evidence,
    )


def leaks(facts: Facts) -> Ruling:
    """Lines of texts, ids and groups, looked for in store, ledger, lock, model and reports."""
    found = known(facts.leaks)
    stage = "preprocess"
    share = "all of them" if found.step == 1 else f"one in {found.step}"
    evidence = [
        facts.recorded("pieces of texts and ids looked for", f"{found.pieces}, {share}", stage),
        facts.recorded("files looked through", found.files, stage),
        facts.recorded("bytes read, of equal files once", f"{found.read} of {found.size}", stage),
        facts.recorded("files with such a piece", len(found.hits), stage),
    ]
    evidence += [facts.recorded(f"pieces in {name}", count, stage) for name, count in found.hits[:20]]
    if facts.section("evaluate")["shareable"] and found.hits:
        reason = f"params declare the records shareable; {len(found.hits)} files show some of them"
        return Ruling("N-A", reason, tuple(evidence))
    wrong = (
        [f"{len(found.hits)} files hold texts or ids of records ({found.hits[0][0]})"] if found.hits else []
    )
    if not wrong and (found.read < found.size or not found.pieces):
        why = f"nothing was found, but {found.read} of {found.size} bytes were read for {found.pieces} pieces"
        return Ruling("MISSING", why, tuple(evidence))
    held = (
        "none found, as plain text, JSON or HTML; what is compressed, or remembered by weights, is not seen"
    )
    return ruling(wrong, held, evidence)


def noise(facts: Facts) -> Ruling:
    """No param asks for it."""
    asked = [name for name, _ in leaves(facts.section("train")) if set(name.split(".")) & set(_NOISE)]
    evidence = (facts.recorded("params of train that ask for it", len(asked), "train"),)
    if asked:
        return Ruling("MISSING", f"{asked[0]} asks for it, and nothing accounts for it", evidence)
    return Ruling(
        "N-A", "it is not claimed: training adds no noise to what it learns from a record", evidence
    )
