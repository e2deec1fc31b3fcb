"""Which state of the weights is kept, and when it is time to stop."""

import math
from dataclasses import dataclass, field

from torch import Tensor, nn


@dataclass(slots=True)
class Best:
    """The best validation so far. `patience` counts validations without a gain above `min_change`."""

    patience: int
    min_change: float
    score: float = -math.inf
    step: int = 0
    waited: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    def consider(self, score: float, step: int, network: nn.Module) -> None:
        """Keep a copy of the weights if `score` is a gain. The first validation always is."""
        if score > self.score + self.min_change or not self.weights:
            self.score, self.step, self.waited = score, step, 0
            self.weights = {
                name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()
            }
        else:
            self.waited += 1

    @property
    def exhausted(self) -> bool:
        """Whether patience is at its end."""
        return self.waited >= self.patience
