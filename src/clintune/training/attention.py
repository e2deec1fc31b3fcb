"""Attention as matrix products, for training on a CPU.

There torch's own (scaled_dot_product_attention) is slow in bf16 and for short rows: DECISIONS.md has figures.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import eager_mask

from clintune.training.dropout import keep_mask

_NAME = "clintune_products"


def use_products(encoder: PreTrainedModel) -> None:
    """Let the encoder attend by `attend`; one whose attention cannot be exchanged keeps its own."""
    AttentionInterface.register(_NAME, attend)
    AttentionMaskInterface.register(_NAME, eager_mask)  # a mask to add: 0, or the lowest number
    if encoder._can_set_attn_implementation():
        encoder.set_attn_implementation(_NAME)


def attend(
    _module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_rest: Any,
) -> tuple[Tensor, None]:
    """softmax(query keyᵀ · scaling + mask) value, as transformers calls it (Vaswani et al. 2017).

    [batch, head, seq, dim] each, keys and values perhaps of fewer heads; gives [batch, seq, head, dim].
    """
    heads = query.shape[1] // key.shape[1]
    if heads > 1:
        key, value = key.repeat_interleave(heads, dim=1), value.repeat_interleave(heads, dim=1)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    kept = keep_mask((*query.shape[:3], key.shape[2]), dropout, query) if dropout else None
    bias = None if attention_mask is None else attention_mask.to(query.dtype)
    found: Tensor = _Attention.apply(  # type: ignore[no-untyped-call]
        query.contiguous(), key.contiguous(), value.contiguous(), bias, kept, scale
    )
    return found.transpose(1, 2).contiguous(), None


class _Attention(torch.autograd.Function):
    """Keeps the probabilities and writes over what it needs no more: half the memory traffic of autograd."""

    @staticmethod
    def forward(  # noqa: PLR0917 - torch passes no keywords
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        bias: Tensor | None,
        kept: Tensor | None,
        scale: float,
    ) -> Tensor:
        scores = torch.matmul(query, key.transpose(-1, -2)).mul_(scale)
        if bias is not None:
            scores.add_(bias)
        chances = torch.softmax(scores, dim=-1)
        ctx.save_for_backward(query, key, value, chances, kept)
        ctx.scale = scale
        return torch.matmul(chances if kept is None else chances * kept, value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, chances, kept = ctx.saved_tensors
        (gradient,) = gradients
        used = chances if kept is None else chances * kept
        by_value = torch.matmul(used.transpose(-1, -2), gradient)
        by_chance = torch.matmul(gradient, value.transpose(-1, -2))
        if kept is not None:
            by_chance.mul_(kept)
        # The derivative of softmax: p · (g - Σ p·g).
        by_score = torch._softmax_backward_data(by_chance, chances, -1, chances.dtype).mul_(ctx.scale)
        by_query, by_key = torch.matmul(by_score, key), torch.matmul(by_score.transpose(-1, -2), query)
        return by_query, by_key, by_value, None, None, None
