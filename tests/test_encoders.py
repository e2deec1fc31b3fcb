"""Base models: how long a window each can read."""

import pytest
import torch
from transformers import AutoConfig, AutoModel

from clintune.encoders import longest_window
from clintune.files import sha256
from clintune.params import Encoder


def sized(folder, model_type: str, positions: int) -> Encoder:
    """A configuration of this type, small but for its positions."""
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = AutoConfig.for_model(model_type, vocab_size=50, max_position_embeddings=positions, **sizes)
    config.save_pretrained(folder)
    return Encoder(
        source="folder", name=str(folder), revision=None, tokenizer_sha256="0" * 64,
        config_sha256=sha256(folder / "config.json"), weights_sha256="0" * 64, scratch=None,
    )  # fmt: skip


@pytest.mark.parametrize(("model_type", "tokens"), [("bert", 34), ("roberta", 32), ("xlm-roberta", 32)])
def test_a_model_reads_as_many_tokens_as_it_has_positions_for(tmp_path, model_type, tokens):
    model = sized(tmp_path, model_type, positions=34)
    assert longest_window(model) == tokens
    network = AutoModel.from_config(AutoConfig.from_pretrained(tmp_path)).eval()
    assert network(torch.full((1, tokens), 5)).last_hidden_state.isfinite().all()
    with pytest.raises((IndexError, RuntimeError)):
        network(torch.full((1, tokens + 1), 5))
