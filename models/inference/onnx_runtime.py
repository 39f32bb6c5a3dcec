"""ONNX Runtime as inference engine, on the CPU in float32."""

from functools import cache
from threading import BoundedSemaphore

import numpy as np
import onnx
import torch
from torch import Tensor

from core.onnx_runtime import new_session, onnxruntime
from models.inference.engine import FeatureMaps
from models.inference.graph import WEIGHTS, output_names, weights_by_name
from models.network import Network

__all__ = ["OnnxRuntimeEngine", "UnusableGraphError"]


class UnusableGraphError(Exception):
    """A graph is damaged, or not that of the network."""


class OnnxRuntimeEngine:
    """Runs a network's graph; all engines share one pool of threads.

    Args:
        network: in eval mode, float32, on the CPU; its weights are used as they are now.
        graph: what models.inference.graph.convert has made of it.

    Raises:
        UnusableGraphError: the graph is damaged, or not that of the network.
    """

    name = "onnxruntime"

    def __init__(self, network: Network, graph: bytes) -> None:
        self.network = network
        self._outputs = output_names(network)
        self._session = _session(network, graph)
        found = [output.name for output in self._session.get_outputs()]
        if found != self._outputs:
            raise UnusableGraphError(f"its outputs are {', '.join(found)}")

    def feature_maps(self, images: Tensor) -> FeatureMaps:
        """Feature maps and logits of a batch of images [B, 3, H, W]."""
        depth = self.network.num_stages
        *maps, logits = self._run(self._outputs, images)
        return FeatureMaps(maps[:depth], maps[depth:], logits)

    def logits(self, images: Tensor) -> Tensor:
        """Logits [B, classes] of a batch of images [B, 3, H, W]."""
        return self._run(self._outputs[-1:], images)[0]

    def _run(self, outputs: list[str], images: Tensor) -> list[Tensor]:
        given = {"images": np.ascontiguousarray(images.numpy())}
        with _in_flight():
            found = self._session.run(outputs, given)
        return [torch.from_numpy(values) for values in found]


@cache
def _in_flight() -> BoundedSemaphore:
    """At most as many runs at once as there are threads."""
    return BoundedSemaphore(torch.get_num_threads())


def _session(network: Network, graph: bytes) -> onnxruntime.InferenceSession:
    weights = weights_by_name(network)
    try:
        model = onnx.load_model_from_string(graph)
    except Exception as error:  # protobuf's
        raise UnusableGraphError(f"it cannot be read: {error}") from None
    external = [tensor for tensor in model.graph.initializer if tensor.data_location == onnx.TensorProto.EXTERNAL]
    for tensor in external:
        location = {entry.key: entry.value for entry in tensor.external_data}.get("location")
        if location != WEIGHTS or tensor.name not in weights or list(weights[tensor.name].shape) != list(tensor.dims):
            raise UnusableGraphError(f"it refers to {tensor.name}, which the network does not have")
    needed = {name for name, value in weights.items() if value.is_floating_point()}
    if lacking := sorted(needed - {tensor.name for tensor in external}):
        raise UnusableGraphError(f"it lacks {lacking[0]}")
    given = {tensor.name: weights[tensor.name].contiguous().numpy() for tensor in external}
    try:
        return new_session(graph, given)
    except Exception as error:  # ONNX Runtime's have no common class
        raise UnusableGraphError(str(error).strip().partition("\n")[0]) from None
