"""A network as one ONNX file: same weights, same bytes, wherever the repository lies."""

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch

from clintune.errors import ModelError
from clintune.files import whole_file
from clintune.networks import Network
from clintune.serving.predictor import LARGEST, LOGITS, input_names

OPSET = 18
"""The first with layer normalisation as one node (17), plus one: ONNX Runtime reads it since 1.14 (2023)."""


def write_onnx(network: Network, path: Path) -> None:
    """Write the network, batch size and length left open, weights inside in float32.

    Raises ModelError where the weights are larger than one ONNX file can be.
    """
    size = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    if size > LARGEST:
        problem = f"{size / 2**30:.1f} GiB of weights do not fit into one ONNX file (2 GiB)"
        raise ModelError("params.yaml: model.name", problem, "choose a smaller base model")
    # Scaled dot-product attention guards against rows without any token, which no text makes.
    for encoder in network.encoders.values():
        encoder.set_attn_implementation("eager")
    model = _exported(network)
    _forget_origin(model)
    onnx.checker.check_model(model, full_check=True)
    with whole_file(path) as draft:
        draft.write_bytes(model.SerializeToString(deterministic=True))


def _exported(network: Network) -> onnx.ModelProto:
    names = input_names(len(network.companions))
    # A tensor for each: given one twice, the exporter takes both inputs for the same.
    inputs = [torch.ones(2, 8, dtype=torch.int64) for _ in names]
    named = {0: torch.export.Dim("batch"), 1: torch.export.Dim("seq")}
    open_too = {0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO}
    companions = (tuple(open_too for _ in names[2:]),) if network.companions else ()
    with _quiet():
        program = torch.onnx.export(
            network.eval(), tuple(inputs), dynamo=True, opset_version=OPSET, verbose=False,
            input_names=names, output_names=[LOGITS], dynamic_shapes=(named, open_too, *companions),
        )  # fmt: skip
    assert program is not None, "torch.onnx.export with dynamo=True returns a program"
    return program.model_proto


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks on torchvision, which nobody needs here, and on torch's own code."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning, message=".*LeafSpec")
            yield
    finally:
        logger.setLevel(level)


def _forget_origin(model: onnx.ModelProto) -> None:
    """Take out what differs between machines: stack traces with paths, the build of torch."""
    model.producer_name, model.producer_version = "clintune", ""
    for part in _parts(model):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")


def _parts(model: onnx.ModelProto) -> Iterable[Any]:
    graph = model.graph
    yield from (model, graph)
    for part in (graph.node, graph.input, graph.output, graph.value_info, graph.initializer):
        yield from part
    for function in model.functions:
        yield function
        yield from (*function.node, *function.value_info)
