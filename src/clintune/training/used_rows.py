"""An embedding table cut down to the tokens that occur: most of a vocabulary never does."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


class UsedRows(nn.Module):
    """Rows of a table for the tokens in use, trained; the others stay as they are, to the bit.

    Without it gradient, optimizer and norm walk over the whole table in every step.
    """

    index: Tensor

    def __init__(self, table: nn.Embedding, tokens: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(table.weight.detach()[tokens].clone(), table.weight.requires_grad)
        index = torch.full((table.num_embeddings,), -1, dtype=torch.int64)
        index[tokens] = torch.arange(len(tokens))
        self.register_buffer("index", index, persistent=False)
        self._whole, self._tokens = table.weight.detach(), tokens
        padding = table.padding_idx
        self._padding = None if padding is None or index[padding] < 0 else int(index[padding])

    def forward(self, input_ids: Tensor) -> Tensor:
        """Tokens [batch, seq] to rows [batch, seq, dim]; a token that was not named fails."""
        return nn.functional.embedding(self.index[input_ids], self.weight, padding_idx=self._padding)

    def whole(self, rows: Tensor) -> Tensor:
        """The whole table with these rows in their places."""
        table = self._whole.clone()
        table[self._tokens.to(table.device)] = rows.to(table)
        return table


def keep_used_rows(encoder: PreTrainedModel, tokens: Iterable[int]) -> UsedRows | None:
    """Cut the encoder's table down to `tokens`; None where its table is no plain one."""
    table = encoder.get_input_embeddings()
    if type(table) is not nn.Embedding:
        return None
    rows = UsedRows(table, torch.tensor(sorted(set(tokens)), dtype=torch.int64))
    encoder.set_input_embeddings(rows)
    return rows
