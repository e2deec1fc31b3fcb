"""An encoder that guesses hidden tokens: its network, its loss, and how well it guesses."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import torch
from torch import Tensor, nn
from transformers import AutoConfig, PreTrainedModel

from clintune import params
from clintune.batching import WINDOWS_SORTED, Batch, pad, similar_lengths
from clintune.examples import Window
from clintune.networks import Network, blank, forward_of, with_dropout
from clintune.tasks.entities.head import owned_tokens
from clintune.training.losses import Criterion, cross_entropy, weighted
from clintune.training.selection import LOSS
from clintune.training.validation import Validate

ACCURACY = "accuracy"


class Guess(nn.Module):
    """A layer, and the embeddings themselves as what a state is compared with (arXiv:1608.05859)."""

    def __init__(self, encoder: PreTrainedModel) -> None:
        super().__init__()
        config = encoder.config
        self.layer = nn.Linear(config.hidden_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size)
        self.pieces = nn.Linear(config.hidden_size, config.vocab_size)
        self.pieces.register_parameter("weight", encoder.get_input_embeddings().get_parameter("weight"))

    def forward(self, states: Tensor, _mask: Tensor) -> Tensor:
        """States [batch, seq, hidden] to logits [batch, seq, piece]."""
        logits: Tensor = self.pieces(self.norm(nn.functional.gelu(self.layer(states))))
        return logits


def build(section: params.Pretraining, *, pieces: int, seed: int) -> Network:
    """A BERT encoder with random weights, decided by `seed`, that reads and guesses `pieces` pieces."""
    sizes = section.sizes
    config = AutoConfig.for_model(
        "bert", vocab_size=pieces, hidden_size=sizes.hidden, num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads, intermediate_size=sizes.intermediate,
        max_position_embeddings=section.max_tokens, pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(seed)
    encoder = blank(with_dropout(config, section.train.dropout))
    return Network(encoder, Guess(encoder))


def criterion(section: params.Loss) -> Criterion:
    """Cross-entropy over the pieces, of the tokens that are asked for."""
    assert isinstance(section, params.CrossEntropy), "params: the only loss of a pretraining"
    return Criterion(owned_tokens, cross_entropy(section, None), weighted(None))


def validation(
    network: Network, measured: Criterion, windows: Iterable[Window], *, batch_tokens: int
) -> Validate:
    """What training asks now and then: the share of right guesses, and the mean loss, on the same masks."""
    kept = list(windows)
    forward = forward_of(network, next(network.parameters()).device)

    def validate() -> Mapping[str, float]:
        network.eval()
        loss = weight = right = 0.0
        for batch in _batches(kept, batch_tokens):
            logits, items = torch.from_numpy(forward(batch)), measured.items(torch.from_numpy(batch.labels))
            loss += float(measured.total(logits, items))
            weight += measured.weight(items)
            right += float(((logits.flatten(0, 1).argmax(-1) == items.wanted) * items.weights).sum())
        return {ACCURACY: right / (weight or 1.0), LOSS: loss / (weight or 1.0)}

    return validate


def _batches(windows: Iterable[Window], batch_tokens: int) -> Iterator[Batch]:
    waiting = iter(windows)
    while some := list(islice(waiting, WINDOWS_SORTED)):
        for positions in similar_lengths([window.width for window in some], budget=batch_tokens):
            yield pad([some[position] for position in positions])
