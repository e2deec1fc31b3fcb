"""What the model card says of tasks with one answer per text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clintune.exporting.card_facts import Facts, count, interval_of, level_of, plain, table

LAYER = "the mean over its tokens and one linear layer"

_LABEL_SCORES = {
    "macro_f1": "**macro F1** (the headline)", "accuracy": "accuracy", "exact": "exact match",
    "micro_f1": "micro F1", "mcc": "MCC", "auroc": "AUROC", "auprc": "AUPRC",
}  # fmt: skip
_VALUE_SCORES = {
    "rmse": "**RMSE**, lower is better (the headline)", "mae": "MAE, lower is better", "r2": "R²",
    "spearman": "Spearman",
}  # fmt: skip
_FEW = 20
"""Below this many texts one of them moves recall by 5 points or more."""


@dataclass(frozen=True, slots=True)
class Told:
    """The words for one task: what it does, what its outputs and scores are called in metrics.json."""

    does: str
    part: str
    part_scores: Sequence[str]
    measures: Mapping[str, str]
    headline_name: str
    headline_title: str
    limit: str

    def headline(self, metrics: Mapping[str, Any]) -> str:
        """The score that leads, from metrics.json."""
        value = metrics[self.headline_name]
        return f"**{self.headline_title} on test {value:.3f}** ({metrics['documents']:,} texts)."

    def head(self, facts: Facts) -> Iterator[str]:
        """What it does, and how well."""
        names = ", ".join(plain(label) for label in facts.outputs.labels)
        yield f"{self.does}: {names}."
        reach = interval_of(facts.metrics, " ({}, {level} interval)", facts, name=self.headline_name)
        yield (
            f"{self.headline_title} on test: **{facts.metrics[self.headline_name]:.3f}**{reach}, over"
            f" {facts.metrics['documents']:,} texts."
        )

    def use(self, _facts: Facts) -> Iterator[str]:
        """What it is for, and what not."""
        yield (
            "For texts of the same kind and language as its training data, for a person who looks at the text"
            " too. Which kind that is, where the records are from and who may use the model is not known to"
            " the program that wrote this card: add it before others rely on the model."
        )
        yield (
            "Not for: other kinds of text or other languages; decisions about a person that nobody checks;"
            " diagnosis. It is no medical device."
        )

    def counted(self, split: Mapping[str, Any], label: str) -> str:
        """How many texts of a split have the label, or a value."""
        return count(split["labels" if self.part == "label" else "values"].get(label, 0))

    def scores(self, facts: Facts) -> Iterator[str]:
        """The model beside the baselines, then by label or target."""
        rivals = facts.metrics["baseline"]
        header = ["", "model", f"{level_of(facts)} interval", *(f"baseline: {name}" for name in rivals)]
        yield table(header, [
            [title, _number(facts.metrics, name), interval_of(facts.metrics, "{}", facts, name=name) or "-",
             *(_number(rival, name) for rival in rivals.values())]
            for name, title in self.measures.items()
            if name in facts.metrics
        ])  # fmt: skip
        parts = facts.metrics[self.part]
        yield table(
            [self.part, *self.part_scores],
            [
                [plain(label), *(_number(one, name) for name in self.part_scores)]
                for label, one in sorted(parts.items())
            ],
        )
        yield (
            "Intervals are resampled by group (bootstrap, percentiles). They tell how far test itself could"
            " move the scores; not what another hospital, another time or another seed would. Baselines were"
            " fitted on the same training data. Subgroups and errors: the report of the evaluation."
        )

    def limits(self, facts: Facts) -> Iterator[str]:
        """What it cannot do, one sentence each."""
        yield self.limit
        for name, value in sorted(facts.metrics["ceiling"].items()):
            yield (
                "Equal texts of test carry different targets: whoever sees nothing but the text cannot pass"
                f" {name} {value:.3f} there."
            )
        rare = [
            f"{plain(label)} ({one['gold']:.0f})"
            for label, one in sorted(facts.metrics[self.part].items())
            if "gold" in one and one["gold"] < _FEW
        ]
        if rare:
            yield f"Labels with fewer than {_FEW} texts in test, little is known: {', '.join(rare)}."
        if "confidence" in facts.metrics:
            yield (
                f"A probability is no promise: on test it is off by {facts.metrics['confidence']['ece']:.3f}"
                " on average (expected calibration error)."
            )


def _number(scores: Mapping[str, float], name: str) -> str:
    """Three decimals, none of a count, a dash where it is not defined."""
    if name not in scores:
        return "-"
    return count(scores[name]) if name in ("gold", "said", "known") else f"{scores[name]:.3f}"


_OF_A_LABEL = ("f1", "precision", "recall", "auroc", "gold", "said")
CLASSIFICATION = Told(
    "Says which one of these labels a text has, with a probability for each", "label", _OF_A_LABEL,
    _LABEL_SCORES, "macro_f1", "Macro F1",
    "It gives every text one of its labels, also a text that is of no such kind.",
)  # fmt: skip
MULTILABEL = Told(
    "Says which of these labels hold for a text, with a probability for each", "label", _OF_A_LABEL,
    _LABEL_SCORES, "macro_f1", "Macro F1",
    "A label holds from a probability of 0.5 on, whatever an error costs.",
)  # fmt: skip
REGRESSION = Told(
    "Estimates numbers for a text, in original units", "target", ("rmse", "mae", "r2", "spearman", "known"),
    _VALUE_SCORES, "rmse", "RMSE", "It says one number and not how sure it is of it.",
)  # fmt: skip
