"""Encoder and head in one module; read from a base model or from a checkpoint."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import cast

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from clintune import params
from clintune.batching import Batch, Forward, Logits
from clintune.checkpoints import Outputs
from clintune.encoders import CONFIG, WEIGHTS, config_file, weights_file
from clintune.errors import ModelError
from clintune.fusion import FUSIONS, Fusion, aligned
from clintune.tasks.heads import HEADS

_DROPOUTS = {
    "hidden": ("hidden_dropout_prob", "dropout"),
    "attention": ("attention_probs_dropout_prob", "attention_dropout"),
}
"""What configurations of transformers call them."""

_COMPANIONS, _FUSION = "companions", "fusion"
"""Keys of ours in the configuration of a checkpoint with several encoders."""


class Network(nn.Module):
    """An encoder and the head of a task; with companions, their states fused before the head."""

    encoder: PreTrainedModel
    companions: nn.ModuleList
    fusion: Fusion | None
    head: nn.Module

    def __init__(
        self,
        encoder: PreTrainedModel,
        head: nn.Module,
        companions: Sequence[PreTrainedModel] = (),
        fusion: Fusion | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.companions = nn.ModuleList(companions)
        self.fusion = fusion
        self.head = head

    @property
    def encoders(self) -> Mapping[str, PreTrainedModel]:
        """The base model, then its companions, each by the name that its tensors begin with."""
        companions = ((f"companions.{number}", one) for number, one in enumerate(self.companions))
        return {"encoder": self.encoder, **cast("dict[str, PreTrainedModel]", dict(companions))}

    def forward(self, input_ids: Tensor, attention_mask: Tensor, *companions: Tensor) -> Tensor:
        """Tokens and mask [batch, seq] to logits, [batch, seq, label] or [batch, output] by the head.

        For each companion four tensors: its tokens and mask [batch, its seq], firsts and lasts [batch, seq].
        """
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        if self.fusion is not None:
            states = self.fusion([states, *self._aligned(companions)])
        logits: Tensor = self.head(states, attention_mask)
        return logits

    def _aligned(self, inputs: Sequence[Tensor]) -> Iterator[Tensor]:
        for number, encoder in enumerate(self.companions):
            ids, mask, firsts, lasts = inputs[4 * number : 4 * number + 4]
            yield aligned(encoder(input_ids=ids, attention_mask=mask).last_hidden_state, firsts, lasts)


def build(model: params.Model, outputs: Outputs, *, seed: int, dropout: params.Dropout) -> Network:
    """The base model with a fresh head; `seed` decides every weight that is not pretrained.

    Raises ModelError where a file is not the one declared or is no model, and where the model has no
    dropout of a kind that `dropout` sets.
    """
    torch.manual_seed(seed)
    return _network([_encoder(one, dropout) for one in model.encoders], model.fusion, outputs)


def _encoder(model: params.Encoder, dropout: params.Dropout) -> PreTrainedModel:
    config = with_dropout(_config(config_file(model)), dropout)
    weights = weights_file(model)
    if weights is not None:
        return _pretrained(weights.parent, config)
    assert model.scratch is not None, "encoders: weights, or scratch"
    return blank(resized(config, model.scratch))


def load(checkpoint: Path, outputs: Outputs) -> Network:
    """The network of a checkpoint, ready to predict."""
    config = _config(checkpoint / CONFIG)
    others = [AutoConfig.for_model(**one) for one in getattr(config, _COMPANIONS, ())]
    encoders = [blank(one) for one in (config, *others)]
    network = _network(encoders, getattr(config, _FUSION, None), outputs)
    network.load_state_dict(load_file(checkpoint / WEIGHTS))
    return network.eval()


def save(network: Network, checkpoint: Path) -> None:
    """Weights and configuration, that of companions inside the base model's."""
    write_weights(network, checkpoint / WEIGHTS)
    config = deepcopy(network.encoder.config)
    if network.fusion is not None:
        _, *companions = network.encoders.values()
        setattr(config, _COMPANIONS, [json.loads(one.config.to_json_string()) for one in companions])
        setattr(config, _FUSION, network.fusion.kind)
    config.to_json_file(checkpoint / CONFIG)


def write_weights(module: nn.Module, path: Path) -> None:
    """Tensors in safetensors, without metadata: with two keys their bytes vary.

    Raises OSError also for what safetensors says of the system in words of its own, as a full disk.
    """
    try:
        save_file({name: tensor.contiguous() for name, tensor in module.state_dict().items()}, path)
    except SafetensorError as error:
        said = re.search(r"\(os error (\d+)\)", str(error))
        if said is None:
            raise
        raise OSError(int(said[1]), os.strerror(int(said[1])), str(path)) from error


def forward_of(network: Network, device: torch.device) -> Forward:
    """The network as batching.predict wants it: arrays in, arrays out, no gradients."""

    @torch.inference_mode()
    def forward(batch: Batch) -> Logits:
        inputs = [torch.from_numpy(one).to(device) for one in batch.inputs]
        logits: Logits = network(*inputs).float().cpu().numpy().astype(np.float32, copy=False)
        return logits

    return forward


def _config(path: Path) -> PretrainedConfig:
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(
            path.parent, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError) as error:
        problem = f"is no configuration that transformers knows ({type(error).__name__})"
        raise ModelError(str(path), problem, "name another model") from None
    return config


def dropout_of(config: PretrainedConfig, kind: str) -> float | None:
    """The share of `hidden` or `attention` that a configuration sets; None where it knows none."""
    shares: list[float] = [getattr(config, name) for name in _DROPOUTS[kind] if hasattr(config, name)]
    return next(iter(shares), None)


def with_dropout(config: PretrainedConfig, dropout: params.Dropout) -> PretrainedConfig:
    """The configuration with the shares that params.yaml sets. Raises ModelError where it knows none."""
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


def resized(config: PretrainedConfig, scratch: params.Scratch) -> PretrainedConfig:
    """The configuration in another size."""
    config.num_hidden_layers = scratch.layers
    config.hidden_size = scratch.hidden
    config.num_attention_heads = scratch.heads
    config.intermediate_size = scratch.intermediate
    return config


def blank(config: PretrainedConfig) -> PreTrainedModel:
    """An encoder with random weights."""
    encoder: PreTrainedModel = AutoModel.from_config(config, trust_remote_code=False)  # type: ignore[no-untyped-call]
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


def _network(encoders: Sequence[PreTrainedModel], fusion: str | None, outputs: Outputs) -> Network:
    for encoder in encoders:
        if getattr(encoder, "pooler", None) is not None:
            # A layer for sentence pairs: it would stay untrained and be shipped.
            encoder.register_module("pooler", None)
    sizes = [encoder.config.hidden_size for encoder in encoders]
    fused = None if fusion is None else FUSIONS[fusion](sizes)
    share = dropout_of(encoders[0].config, "hidden")
    head = HEADS[outputs.task].build(
        sizes[0] if fused is None else fused.size, len(outputs.labels), 0.1 if share is None else share
    )
    return Network(encoders[0], head, encoders[1:], fused)
