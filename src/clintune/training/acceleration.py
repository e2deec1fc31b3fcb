"""What makes a step faster and changes no more than its last bits: benchmarks/training measures it."""

from collections.abc import Iterable, Mapping

from torch import Tensor, no_grad

from clintune.devices import Compute
from clintune.networks import Network, dropout_of
from clintune.training.attention import use_products
from clintune.training.dropout import use_cheap_dropout
from clintune.training.used_rows import UsedRows, keep_used_rows


def accelerate_network(network: Network, compute: Compute, tokens: Iterable[int]) -> UsedRows | None:
    """Exchange parts of a network that is going to be trained on these tokens and no others.

    Returns the table of embeddings where it was cut down: `put_back` wants it.
    """
    if compute.device.type == "cpu":
        use_cheap_dropout(network)
        if compute.bf16 or dropout_of(network.encoder.config, "attention"):
            use_products(network.encoder)
    return keep_used_rows(network.encoder, tokens)


def put_back(trained: Mapping[str, Tensor], rows: UsedRows | None, network: Network) -> Network:
    """The trained weights in a network as it was built, its table of embeddings whole."""
    table = network.encoder.get_input_embeddings().weight
    with no_grad():
        for name, tensor in network.named_parameters():
            tensor.copy_(trained[name] if rows is None or tensor is not table else rows.whole(trained[name]))
    return network
