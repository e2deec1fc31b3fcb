"""Base models: how long a window each can read, and that none of them brings code of its own."""

import json

import pytest
import torch
from transformers import AutoConfig, AutoModel

from clintune.checkpoints import Outputs
from clintune.encoders import longest_window
from clintune.errors import ModelError
from clintune.files import sha256
from clintune.networks import build
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


OWN = """
from pathlib import Path
from transformers import PretrainedConfig

Path({ran!r}).touch()


class OwnConfig(PretrainedConfig):
    model_type = "own"
"""


def test_code_that_lies_beside_a_base_model_is_never_run_not_even_if_somebody_would_say_yes(
    tiny, tmp_path, monkeypatch
):
    config, ran = {"model_type": "own", "auto_map": {"AutoConfig": "own.OwnConfig"}}, tmp_path / "ran"
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "own.py").write_text(OWN.format(ran=str(ran)))
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    files = {"source": "folder", "name": str(tmp_path), "config_sha256": sha256(tmp_path / "config.json")}
    outputs = Outputs("entities", ("O", "B-Drug", "I-Drug"), 32, 8)
    with pytest.raises(
        ModelError, match=r"config\.json: is no configuration that transformers knows"
    ) as said:
        build(tiny.model.model_copy(update=files), outputs, seed=3, dropout=tiny.train.dropout)
    assert len(str(said.value).splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "own.py"]
