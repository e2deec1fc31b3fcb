"""What a checkpoint says of windows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clintune import params
from clintune.batching import predict
from clintune.checkpoints import Outputs
from clintune.devices import prepare
from clintune.examples import Prediction
from clintune.networks import forward_of, load
from clintune.tables import read_windows


def predictions(
    checkpoint: Path, windows: Path, *, numerics: params.Numerics, batch_tokens: int
) -> Iterator[Prediction[Any]]:
    """One prediction per example of a file of windows, in its order, in fp32 whatever training used."""
    device = prepare(numerics)
    outputs = Outputs.read(checkpoint / "outputs.json")
    forward = forward_of(load(checkpoint, outputs).to(device), device)
    yield from predict(read_windows(windows), forward, outputs, batch_tokens=batch_tokens)
