"""A network as an ONNX graph without its weights, for one image size and any batch size.

The graph depends on the architecture alone, so that all pairs of an architecture share one conversion, and the weights
are always the checkpoint's.
"""

import contextlib
import copy
import hashlib
import io
import json
import logging
import math
import warnings
from collections.abc import Collection, Iterator
from importlib.metadata import version

import onnx
import torch
from torch import Tensor, nn

from models.network import Network

__all__ = ["WEIGHTS", "convert", "graph_key", "output_names", "quiet_export", "weights_by_name"]

_FORMAT = 1
_CONVERTERS = ("torch", "timm", "onnx", "onnxscript", "onnx-ir")
_SEED = 0
WEIGHTS = "weights"
"""Where the graph says that its weights are; a session is given them instead."""


class _Outputs(nn.Module):
    """A network that returns all feature maps and the logits."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """X1..Xn, Y2..Yn and the logits."""
        stages, fused = self.network.maps(images)
        return (*stages, *fused, self.network.head((fused or stages)[-1]))


def output_names(network: Network) -> list[str]:
    """Names of the graph's outputs: X1..Xn, Y2..Yn, logits."""
    depth = network.num_stages
    fused = () if network.scff is None else range(2, depth + 1)
    return [*(f"X{i}" for i in range(1, depth + 1)), *(f"Y{i}" for i in fused), "logits"]


def weights_by_name(network: Network) -> dict[str, Tensor]:
    """The network's parameters and buffers, keyed by their names in the graph."""
    state = network.state_dict(keep_vars=True)
    return {f"network.{name}": value.detach() for name, value in state.items() if isinstance(value, Tensor)}


def graph_key(network: Network, size: tuple[int, int]) -> str:
    """Digest of all that a graph depends on: modules with their settings, image size, versions of the converters."""
    shapes = {name: tuple(value.shape) for name, value in weights_by_name(network).items()}
    settings = None if network.scff is None else repr(network.scff.settings)
    versions = {name: version(name) for name in _CONVERTERS}
    described = [_FORMAT, network.arch, repr(network), settings, shapes, size, versions]
    return hashlib.sha256(json.dumps(described).encode()).hexdigest()[:32]


def convert(network: Network, size: tuple[int, int]) -> bytes:
    """Converts a network.

    Args:
        network: in eval mode, float32, on the CPU; not modified.
        size: (height, width) of its images in pixels.

    Returns:
        An ONNX model with an input "images" [B, 3, H, W] and the outputs of `output_names`.

    Raises:
        Exception: PyTorch's exporter cannot convert it; its errors have no common class.
    """
    from onnxscript import optimizer

    with quiet_export():
        program = torch.onnx.export(
            _Outputs(_distinct(network)).eval(),
            (torch.zeros(2, 3, *size),),
            input_names=["images"],
            output_names=output_names(network),
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            dynamo=True,
            optimize=False,  # which would fold weights into each other
            verbose=False,
        )
        assert program is not None  # as always with dynamo
        model = program.model_proto
        weights = _as_inputs(model, weights_by_name(network))
        optimizer.fold_constants(model)  # shapes, not weights
        optimizer.remove_unused_nodes(model)
    for name, tensor in weights.items():
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", WEIGHTS), ("offset", "0"), ("length", str(4 * math.prod(tensor.dims)))):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
        model.graph.initializer.append(tensor)
        model.graph.input.remove(next(each for each in model.graph.input if each.name == name))
    for node in model.graph.node:
        del node.metadata_props[:]  # stack traces
    return model.SerializeToString()


def _as_inputs(model: onnx.ModelProto, names: Collection[str]) -> dict[str, onnx.TensorProto]:
    """Turns weights into inputs, so that they are no constants; returns them by name."""
    weights = {}
    for tensor in list(model.graph.initializer):
        if tensor.name in names:
            weights[tensor.name] = tensor
            model.graph.initializer.remove(tensor)
            model.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return weights


def _distinct(network: Network) -> Network:
    """A copy with random weights, no two alike: the exporter replaces equal tensors by one of them."""
    network = copy.deepcopy(network)
    random = torch.Generator().manual_seed(_SEED)
    for value in (*network.parameters(), *network.buffers()):
        if value.is_floating_point():
            value.data.uniform_(0.5, 1.5, generator=random)
    return network


@contextlib.contextmanager
def quiet_export() -> Iterator[None]:
    """Silences the exporters' progress messages and warnings."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
