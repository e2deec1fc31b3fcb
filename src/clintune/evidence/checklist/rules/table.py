"""Which rule says of which item what the records have to say."""

from collections.abc import Callable, Mapping

from clintune.evidence.checklist.facts import Facts
from clintune.evidence.checklist.items import Ruling
from clintune.evidence.checklist.rules import data, identity, privacy, records, scores, training

RULES: Mapping[int, Callable[[Facts], Ruling]] = {
    2: identity.code, 3: identity.data, 4: identity.base_model, 5: identity.params, 6: identity.software,
    7: identity.locked, 8: identity.numerics, 9: identity.changes,
    13: data.steps, 14: data.flow, 15: data.independent, 16: data.reads, 17: data.annotation,
    18: data.subgroups, 19: data.missing, 20: data.legal,
    21: privacy.identifiers, 22: privacy.ages, 23: privacy.leaks, 25: privacy.noise,
    26: training.rerun, 27: training.selection, 28: training.prespecified, 30: training.seeds,
    29: scores.intervals, 31: scores.baselines, 32: scores.subgroups, 33: scores.calibration,
    37: scores.failures,
    38: records.trail, 39: records.integrity, 40: records.copies, 41: records.signed, 42: records.formats,
    43: records.validated,
}  # fmt: skip
"""Of the other items the records say nothing: they are declared, or missing."""
