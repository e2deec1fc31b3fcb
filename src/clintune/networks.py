"""Encoder and head in one module; read from a base model or from a checkpoint."""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from clintune import params
from clintune.batching import Batch, Forward, Logits
from clintune.checkpoints import Outputs
from clintune.encoders import CONFIG, WEIGHTS, config_file, weights_file
from clintune.errors import ModelError
from clintune.tasks.heads import HEADS

_DROPOUTS = {
    "hidden": ("hidden_dropout_prob", "dropout"),
    "attention": ("attention_probs_dropout_prob", "attention_dropout"),
}
"""What configurations of transformers call them."""


class Network(nn.Module):
    """An encoder and the head of a task."""

    encoder: PreTrainedModel
    head: nn.Module

    def __init__(self, encoder: PreTrainedModel, head: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Tokens and mask [batch, seq] to logits, [batch, seq, label] or [batch, output] by the head."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        logits: Tensor = self.head(states, attention_mask)
        return logits


def build(model: params.Model, outputs: Outputs, *, seed: int, dropout: params.Dropout) -> Network:
    """The base model with a fresh head; `seed` decides every weight that is not pretrained.

    Raises ModelError where a file is not the one declared or is no model, and where the model has no
    dropout of a kind that `dropout` sets.
    """
    torch.manual_seed(seed)
    path = config_file(model)
    config = _with_dropout(_config(path), dropout)
    if model.scratch is not None:
        config = _resized(config, model.scratch)
        encoder = _blank(config)
    else:
        assert model.weights_sha256 is not None, "params: scratch or weights_sha256"
        encoder = _pretrained(weights_file(model, model.weights_sha256).parent, config)
    return _network(encoder, config, outputs)


def load(checkpoint: Path, outputs: Outputs) -> Network:
    """The network of a checkpoint, ready to predict."""
    config = _config(checkpoint / CONFIG)
    network = _network(_blank(config), config, outputs)
    network.load_state_dict(load_file(checkpoint / WEIGHTS))
    return network.eval()


def save(network: Network, checkpoint: Path) -> None:
    """Weights and configuration. Weights carry no metadata: with two keys safetensors' bytes vary."""
    save_file(
        {name: tensor.contiguous() for name, tensor in network.state_dict().items()}, checkpoint / WEIGHTS
    )
    network.encoder.config.to_json_file(checkpoint / CONFIG)


def forward_of(network: Network, device: torch.device) -> Forward:
    """The network as batching.predict wants it: arrays in, arrays out, no gradients."""

    @torch.inference_mode()
    def forward(batch: Batch) -> Logits:
        inputs = (torch.from_numpy(batch.input_ids).to(device), torch.from_numpy(batch.mask).to(device))
        logits: Logits = network(*inputs).float().cpu().numpy().astype(np.float32, copy=False)
        return logits

    return forward


def _config(path: Path) -> PretrainedConfig:
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(path.parent, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        problem = f"is no configuration that transformers knows ({type(error).__name__})"
        raise ModelError(str(path), problem, "name another model") from None
    return config


def dropout_of(config: PretrainedConfig, kind: str) -> float | None:
    """The share of `hidden` or `attention` that a configuration sets; None where it knows none."""
    shares: list[float] = [getattr(config, name) for name in _DROPOUTS[kind] if hasattr(config, name)]
    return next(iter(shares), None)


def _with_dropout(config: PretrainedConfig, dropout: params.Dropout) -> PretrainedConfig:
    for kind, names in _DROPOUTS.items():
        share = getattr(dropout, kind)
        if share is None:
            continue
        known = [name for name in names if hasattr(config, name)]
        if not known:
            problem = f"a model of type {config.model_type} has none"
            raise ModelError(f"params.yaml: train.dropout.{kind}", problem, "set null")
        setattr(config, known[0], share)
    return config


def _resized(config: PretrainedConfig, scratch: params.Scratch) -> PretrainedConfig:
    config.num_hidden_layers = scratch.layers
    config.hidden_size = scratch.hidden
    config.num_attention_heads = scratch.heads
    config.intermediate_size = scratch.intermediate
    return config


def _blank(config: PretrainedConfig) -> PreTrainedModel:
    encoder: PreTrainedModel = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    return encoder


def _pretrained(folder: Path, config: PretrainedConfig) -> PreTrainedModel:
    disable_progress_bar()  # type: ignore[no-untyped-call]  # a second of it, above the bar of training
    try:
        encoder: PreTrainedModel = AutoModel.from_pretrained(
            folder, config=config, dtype=torch.float32, local_files_only=True,
            use_safetensors=True, trust_remote_code=False,
        )  # fmt: skip
    except (OSError, ValueError, RuntimeError) as error:
        problem = f"could not be loaded as {config.model_type} ({type(error).__name__})"
        raise ModelError(
            str(folder / WEIGHTS), problem, "check that config and weights belong together"
        ) from None
    return encoder


def _network(encoder: PreTrainedModel, config: PretrainedConfig, outputs: Outputs) -> Network:
    if getattr(encoder, "pooler", None) is not None:
        # A layer for sentence pairs: it would stay untrained and be shipped.
        encoder.register_module("pooler", None)
    share = dropout_of(config, "hidden")
    head = HEADS[outputs.task].build(config.hidden_size, len(outputs.labels), 0.1 if share is None else share)
    return Network(encoder, head)
