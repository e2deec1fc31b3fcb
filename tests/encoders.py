"""Encoders of several kinds, two thin layers each, without dropout."""

import torch
from transformers import AutoConfig, AutoModel, PreTrainedModel

SIZES = {
    "vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 24, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
}  # fmt: skip
OTHER_NAMES = {
    "distilbert": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24, "dropout": 0.0, "vocab_size": 60,
                   "attention_dropout": 0.0},
    "modernbert": {"vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
                   "intermediate_size": 24, "pad_token_id": 0, "cls_token_id": 1, "sep_token_id": 2,
                   "bos_token_id": 1, "eos_token_id": 2},
}  # fmt: skip
KINDS = ["bert", "roberta", "electra", "distilbert", "modernbert", "deberta-v2"]
IDS = torch.tensor([[5, 9, 23, 7, 5], [8, 9, 30, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


def encoder(kind: str) -> PreTrainedModel:
    """The same weights each time."""
    torch.manual_seed(1)
    return AutoModel.from_config(AutoConfig.for_model(kind, **OTHER_NAMES.get(kind, SIZES))).train()


def states_of(model: PreTrainedModel) -> torch.Tensor:
    """The states of the real tokens of IDS."""
    return model(input_ids=IDS, attention_mask=MASK).last_hidden_state[MASK.bool()]
