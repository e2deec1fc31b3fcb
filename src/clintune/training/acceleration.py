"""What makes a step faster and changes no more than its last bits: benchmarks/training measures it."""

import ctypes
from collections.abc import Iterable, Mapping, Sequence

from torch import Tensor, no_grad

from clintune.devices import Compute
from clintune.networks import Network, dropout_of
from clintune.training.attention import use_products
from clintune.training.dropout import use_cheap_dropout
from clintune.training.used_rows import UsedRows, keep_used_rows

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""What glibc's malloc.h calls M_TRIM_THRESHOLD and M_MMAP_THRESHOLD."""

_BIGGEST_HEAP_BLOCK = 32 << 20
"""The highest threshold that mallopt(3) takes; a step of the default model has no larger tensor."""


def accelerate_network(
    network: Network, compute: Compute, tokens: Sequence[Iterable[int]]
) -> dict[str, UsedRows]:
    """Exchange parts of a network that is going to be trained on these tokens and no others.

    `tokens` has one item per encoder. Returns each table of embeddings that was cut down, by the name of its
    tensor: `put_back` wants them.
    """
    use_fast_parts(network, compute)
    tables = {}
    for (prefix, encoder), known in zip(network.encoders.items(), tokens, strict=True):
        rows = keep_used_rows(encoder, known)
        if rows is not None:
            names = {module: name for name, module in encoder.named_modules()}
            tables[f"{prefix}.{names[rows]}.weight"] = rows
    return tables


def use_fast_parts(network: Network, compute: Compute) -> None:
    """Dropout, attention and memory that are fast on a CPU; no tensor changes."""
    if compute.device.type != "cpu":
        return
    keep_freed_memory()
    use_cheap_dropout(network)
    for encoder in network.encoders.values():
        if compute.bf16 or dropout_of(encoder.config, "attention"):
            use_products(encoder)


def keep_freed_memory() -> None:
    """Let the process keep what a step frees for the next one: fresh pages are zeroed by the kernel first.

    Where the C library has no such setting, as musl, nothing changes.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _BIGGEST_HEAP_BLOCK)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)


def put_back(trained: Mapping[str, Tensor], tables: Mapping[str, UsedRows], network: Network) -> Network:
    """The trained weights in a network as it was built, its tables of embeddings whole."""
    with no_grad():
        for name, tensor in network.named_parameters():
            tensor.copy_(tables[name].whole(trained[name]) if name in tables else trained[name])
    return network
