"""Inference-ready networks: the same maps and logits, computed faster."""

import os
import shutil

import torch

from core.errors import BadInputError
from models.inference.folding import folded
from models.inference.packing import can_pack, packed
from models.inference.tail import Tail
from models.network import Network

__all__ = ["inference_ready_network"]

_COMPILERS = ("g++", "clang++", "c++")


def inference_ready_network(network: Network, size: tuple[int, int], compiled: bool = False, batch: int = 1) -> Network:
    """A copy optimised for inference.

    Batch normalisation is folded into convolutions, the memory format is channels last, the backbone behind each stage
    is recorded, and on a CPU the weights are packed into oneDNN's layout.

    Args:
        network: in eval mode, without gradients for its weights; not modified.
        size: (height, width) of its images in pixels.
        compiled: whether `torch.compile` compiles it at its first call, which takes up to a minute.
        batch: the usual batch size; other sizes are slower.

    Raises:
        BadInputError: `compiled` without a C++ compiler on this machine.
    """
    if compiled and not any(map(shutil.which, (os.environ.get("CXX", ""), *_COMPILERS))):
        raise BadInputError("--compile needs a C++ compiler, such as g++")
    network = folded(network, size).to(memory_format=torch.channels_last)
    network.tail = Tail.of(network, size)
    weights = next(network.parameters())
    on_cpu = weights.device.type == "cpu"
    if compiled:
        network.compile_maps(freezing=on_cpu)
    elif on_cpu and weights.dtype == torch.float32 and can_pack():
        network = packed(network, (batch, 3, *size))
    return network
