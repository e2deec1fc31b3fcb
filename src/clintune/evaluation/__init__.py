"""How good the model is: scores with intervals, by label and subgroup, and the page that shows them."""

from clintune.checkpoints import Outputs
from clintune.evaluation.evaluating import evaluate
from clintune.evaluation.judges import JUDGES
from clintune.evaluation.outputs import flat

__all__ = ["JUDGES", "Outputs", "evaluate", "flat"]
