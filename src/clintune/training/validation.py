"""How good the network is on validation, as it stands."""

from collections.abc import Mapping
from pathlib import Path

import torch

from clintune.batching import Batch, Forward, Logits, predict
from clintune.checkpoints import Outputs
from clintune.networks import Network, forward_of
from clintune.tables import read_examples, read_windows
from clintune.tasks.codecs import CODECS
from clintune.tasks.scorers import SCORERS
from clintune.training.losses import Criterion
from clintune.training.selection import LOSS, Validate


def validation(
    network: Network,
    criterion: Criterion,
    outputs: Outputs,
    *,
    windows: Path,
    examples: Path,
    batch_tokens: int,
) -> Validate:
    """What training asks now and then. `windows` and `examples` are the files of the split validation."""
    forward = forward_of(network, next(network.parameters()).device)
    target, score = CODECS[outputs.task].target, SCORERS[outputs.task].score

    def validate() -> Mapping[str, float]:
        network.eval()
        measured = _Measured(forward, criterion)
        said = predict(read_windows(windows), measured, outputs, batch_tokens=batch_tokens)
        gold = read_examples(examples, target)
        scores = score((one.target, two.target) for one, two in zip(gold, said, strict=True))
        return {**scores, LOSS: measured.loss / (measured.weight or 1.0)}

    return validate


class _Measured:
    """A model whose loss is added up while it predicts."""

    def __init__(self, forward: Forward, criterion: Criterion) -> None:
        self._forward, self._criterion = forward, criterion
        self.loss = self.weight = 0.0

    def __call__(self, batch: Batch) -> Logits:
        logits, items = self._forward(batch), self._criterion.items(torch.from_numpy(batch.labels))
        self.loss += float(self._criterion.total(torch.from_numpy(logits), items))
        self.weight += self._criterion.weight(items)
        return logits
