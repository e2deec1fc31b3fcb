"""How good the model is: scores with intervals, by label and subgroup, and the page that shows them."""

from clintune.evaluation.evaluating import evaluate
from clintune.evaluation.outputs import flat, headline, metrics
from clintune.evaluation.wording import describe

__all__ = ["describe", "evaluate", "flat", "headline", "metrics"]
