"""The engine that runs a network: ONNX Runtime on a CPU where it can, otherwise PyTorch."""

import copy
import sys
from functools import cache
from typing import Any

import torch
from torch import Tensor

from models.inference.engine import Engine, PyTorchEngine
from models.inference.graph import convert, graph_key
from models.inference.graph_cache import GraphCache
from models.network import Network

__all__ = ["MANY_PASSES", "convert_and_keep", "fastest_engine", "is_converted", "is_convertible"]

MANY_PASSES = 500
"""Forward passes from which on a network is converted at once; an estimate of where that saves more time than it
takes."""

_TOLERANCE = 1e-4  # of a map's maximum
_SEED = 0


def fastest_engine(network: Network, size: tuple[int, int], passes: int = 0) -> Engine:
    """The fastest engine for a network.

    Args:
        network: in eval mode.
        size: (height, width) of its images in pixels.
        passes: forward passes that are planned. If they are many, a network without a kept graph is converted now,
            which takes seconds to a minute; otherwise PyTorch runs it.

    Returns:
        ONNX Runtime for a float32 network on a CPU, otherwise PyTorch. Where ONNX Runtime cannot run it, the reason is
        printed on standard error, once.
    """
    plain = PyTorchEngine(network)
    if not is_convertible(network):
        return plain
    try:
        from models.inference.onnx_runtime import OnnxRuntimeEngine

        graph = GraphCache().find(graph_key(network, size))
        if graph is not None:
            return OnnxRuntimeEngine(network, graph)
        return convert_and_keep(network, size) if passes >= MANY_PASSES else plain
    except Exception as error:  # the converter's and the engine's have no common class, and PyTorch needs neither
        _warn(f"{network.arch} runs on PyTorch, more slowly: {_first_line(error)}")
        return plain


def is_convertible(network: Network) -> bool:
    """Whether ONNX Runtime may run a network: in float32 on a CPU."""
    weights = next(network.parameters())
    return weights.device.type == "cpu" and weights.dtype == torch.float32


def is_converted(network: Network, size: tuple[int, int]) -> bool:
    """Whether the graph of a network is kept."""
    return GraphCache().find(graph_key(network, size)) is not None


def convert_and_keep(network: Network, size: tuple[int, int]) -> Engine:
    """Converts a network, compares its maps and logits with PyTorch's in float64, and keeps its graph.

    Where the cache folder cannot be written to, that is printed on standard error, once.

    Raises:
        Exception: the network cannot be converted, or its graph gives other values.
    """
    from models.inference.onnx_runtime import OnnxRuntimeEngine

    graph = convert(network, size)
    engine = OnnxRuntimeEngine(network, graph)
    exact = PyTorchEngine(copy.deepcopy(network).double())
    random = torch.Generator().manual_seed(_SEED)
    for batch in (1, 3):
        images = torch.randn(batch, 3, *size, generator=random)
        off = _difference(engine.feature_maps(images), exact.feature_maps(images.double()))
        if not off <= _TOLERANCE:
            raise ValueError(f"the converted network's values differ by {off:.1e} of the largest")
    try:
        GraphCache().put(graph_key(network, size), graph)
    except OSError as error:
        _warn(f"converted networks cannot be kept, so that each start converts them again: {error}")
    return engine


def _difference(found: Any, expected: Any) -> float:
    """Largest difference of a map or of the logits, over its largest absolute value; NaN if a value is not finite."""

    def off(a: Tensor, b: Tensor) -> Tensor:
        return (a - b).abs().max() / b.abs().max().clamp_min(torch.finfo(torch.float32).tiny)

    pairs = zip(
        [*found.stages, *found.fused, found.logits], [*expected.stages, *expected.fused, expected.logits], strict=True
    )
    return float(torch.stack([off(a, b) for a, b in pairs]).max())


def _first_line(error: Exception) -> str:
    return str(error.__cause__ or error).strip().partition("\n")[0] or type(error).__name__


@cache
def _warn(text: str) -> None:
    """Prints a warning, but each only once."""
    print(f"warning: {text}", file=sys.stderr)
