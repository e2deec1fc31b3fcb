"""An encoder that guesses hidden tokens: its network, its loss, and how well it guesses."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from transformers import AutoConfig, PreTrainedModel

from clintune import params
from clintune.batching import Batch, in_batches, pad
from clintune.networks import Network, blank, with_dropout
from clintune.pretraining.masking import Masks
from clintune.tables import read_windows
from clintune.tasks.entities.head import owned_tokens
from clintune.tasks.items import Items
from clintune.training.losses import Criterion, cross_entropy, weighted
from clintune.training.selection import LOSS, Validate

ACCURACY = "accuracy"


class Guess(nn.Module):
    """A layer, and the embeddings themselves as what its states are compared with (arXiv:1608.05859)."""

    def __init__(self, encoder: PreTrainedModel) -> None:
        super().__init__()
        config = encoder.config
        self.layer = nn.Linear(config.hidden_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size)
        self.pieces = nn.Linear(config.hidden_size, config.vocab_size)
        self.pieces.register_parameter("weight", encoder.get_input_embeddings().get_parameter("weight"))

    def forward(self, states: Tensor, _mask: Tensor) -> Tensor:
        """States [batch, seq, hidden] to others of that shape: most tokens are not asked for."""
        found: Tensor = self.norm(nn.functional.gelu(self.layer(states)))
        return found

    def logits(self, states: Tensor, items: Items) -> tuple[Tensor, Items]:
        """Of the tokens that are asked for, what `forward` gave them to logits [asked, piece], in fp32."""
        asked = items.weights > 0
        found: Tensor = self.pieces(states.flatten(0, 1)[asked])
        return found.float(), Items(items.wanted[asked], items.weights[asked])


def build(section: params.Pretraining, *, pieces: int, seed: int) -> Network:
    """A BERT encoder with random weights, decided by `seed`, that reads and guesses `pieces` pieces."""
    sizes = section.sizes
    config = AutoConfig.for_model(
        "bert", vocab_size=pieces, hidden_size=sizes.hidden, num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads, intermediate_size=sizes.intermediate,
        max_position_embeddings=section.max_tokens, pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(seed)
    # With the pooler, which nothing trains: whoever reads the files with AutoModel looks for it.
    encoder = blank(with_dropout(config, section.train.dropout))
    return Network(encoder, Guess(encoder))


def criterion(network: Network, section: params.Loss) -> Criterion:
    """Cross-entropy over the pieces, of the tokens that are asked for."""
    assert isinstance(section, params.CrossEntropy), "params: the only loss of a pretraining"
    total, head = cross_entropy(section, None), cast("Guess", network.head)
    return Criterion(owned_tokens, lambda states, items: total(*head.logits(states, items)), weighted(None))


def validation(
    network: Network, measured: Criterion, windows: Path, masks: Masks, *, batch_tokens: int
) -> Validate:
    """What training asks now and then: the share of right guesses, and the mean loss, on the same masks.

    `windows` is a file of windows as they were cut.
    """
    head = cast("Guess", network.head)

    @torch.inference_mode()
    def validate() -> Mapping[str, float]:
        network.eval()
        device = next(network.parameters()).device
        loss = weight = right = 0.0
        for batch in _batches(windows, masks, batch_tokens):
            states = network(*(torch.from_numpy(one).to(device) for one in batch.inputs))
            items = measured.items(torch.from_numpy(batch.labels).to(device))
            loss += float(measured.total(states, items))
            weight += measured.weight(items)
            logits, asked = head.logits(states, items)
            right += float((logits.argmax(-1) == asked.wanted).sum())
        return {ACCURACY: right / (weight or 1.0), LOSS: loss / (weight or 1.0)}

    return validate


def _batches(windows: Path, masks: Masks, batch_tokens: int) -> Iterator[Batch]:
    hidden = (
        masks.hide(window, epoch=0, position=position)
        for position, window in enumerate(read_windows(windows))
    )
    for some, batches in in_batches(hidden, batch_tokens):
        yield from (pad([some[position] for position in positions]) for positions in batches)
