"""Batch normalisation folded into the convolution in front of it: the same function for less arithmetic and memory.

In eval mode the normalisation is a fixed scale and shift of each channel, which the convolution can do by itself.
"""

import copy
from collections import Counter
from typing import Any

import torch
from timm.layers import BatchNormAct2d
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import fuse_conv_bn_eval
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from models.network import Network

__all__ = ["folded"]


def folded(network: Network, size: tuple[int, int]) -> Network:
    """A copy for inference whose batch normalisations are folded wherever one alone takes a convolution's output.

    Args:
        network: in eval mode; it is left as it is.
        size: (height, width) of its images.
    """
    pairs = _pairs(network, size)
    network = copy.deepcopy(network)
    for convolution, norm in pairs.items():
        former = network.get_submodule(norm)
        network.set_submodule(convolution, fuse_conv_bn_eval(network.get_submodule(convolution), former))
        # timm's own normalisation drops and activates as well
        rest = nn.Sequential(former.drop, former.act) if isinstance(former, BatchNormAct2d) else nn.Identity()
        network.set_submodule(norm, rest)
    network.prepared = True
    return network.for_inference(next(network.parameters()).device)


def _pairs(network: Network, size: tuple[int, int]) -> dict[str, str]:
    """Names of normalisations by those of the convolutions that they can be folded into."""
    state = {name: value.to("meta") for name, value in network.state_dict(keep_vars=True).items() if _is_tensor(value)}
    flow = _Flow()
    with torch.no_grad(), flow:
        functional_call(network, state, torch.empty(1, 3, *size, device="meta"))
    modules = {id(value): name.rpartition(".")[0] for name, value in state.items()}
    pairs = {}
    for tensor, weight in flow.convolved.items():
        mean = flow.normalised.get(tensor)
        convolution, norm = modules.get(weight), modules.get(mean)
        if (
            flow.uses[tensor] == flow.uses[weight] == flow.uses[mean] == 1
            and type(network.get_submodule(norm)) in (nn.BatchNorm2d, BatchNormAct2d)
            and isinstance(network.get_submodule(convolution), nn.Conv2d)
        ):
            pairs[convolution] = norm
    return pairs


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor)


class _Flow(TorchDispatchMode):
    """Notes which tensors come out of convolutions, which are normalised, and how often each is used."""

    def __init__(self) -> None:
        super().__init__()
        self.convolved: dict[int, int] = {}
        """The weight of the convolution that gave a tensor."""
        self.normalised: dict[int, int] = {}
        """The running mean that a tensor is normalised by."""
        self.uses: Counter[int] = Counter()
        self._kept: list[Tensor] = []  # so that no identity is given twice

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Takes a note of one operation."""
        given = [value for value in tree_leaves((args, kwargs or {})) if isinstance(value, Tensor)]
        result = func(*args, **(kwargs or {}))
        self.uses.update(map(id, given))
        self._kept += given
        name = func.overloadpacket.__name__
        if name == "convolution":
            self.convolved[id(result)] = id(args[1])
            self._kept.append(result)
        elif "batch_norm" in name:
            self.normalised[id(args[0])] = id(args[3])
        return result
