"""A pair made ready for many questions: the same maps, for less time."""

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
    """One network of a pair, made ready.

    Batch normalisations are folded into convolutions, maps have their channels last, what the backbone computes behind
    each stage is recorded, and on a CPU the weights are brought into oneDNN's order once.

    Args:
        network: for inference; it is left as it is.
        size: (height, width) of its images.
        compiled: whether `torch.compile` takes the network over at its first images, for up to a minute.
        batch: how many images it mostly gets at once; with other numbers it is slower.

    Raises:
        BadInputError: it is to be compiled, and there is no compiler.
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
