"""What a checkpoint says of windows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from clintune.batching import predict
from clintune.checkpoints import Outputs
from clintune.examples import Prediction
from clintune.networks import forward_of, load
from clintune.tables import read_windows


def predictions(
    checkpoint: Path, windows: Path, *, device: torch.device, batch_tokens: int
) -> Iterator[Prediction[Any]]:
    """One prediction per example of a file of windows, in its order, in fp32 whatever training used."""
    outputs = Outputs.read(checkpoint / "outputs.json")
    forward = forward_of(load(checkpoint, outputs).to(device), device)
    yield from predict(read_windows(windows), forward, outputs, batch_tokens=batch_tokens)
