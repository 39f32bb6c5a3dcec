"""Batch normalisation folded into the preceding convolution: the same function for less arithmetic and memory.

In eval mode batch normalisation is a fixed scale and shift per channel, which the convolution's weights can absorb.
"""

import copy
from collections import Counter
from typing import Any, cast

import torch
from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import fuse_conv_bn_eval
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from models.network import Network

__all__ = ["folded"]


def folded(network: Network, size: tuple[int, int]) -> Network:
    """A copy for inference, with batch normalisation folded wherever it is the only consumer of a convolution's output.

    Args:
        network: in eval mode; not modified.
        size: (height, width) of its images in pixels.
    """
    pairs = _pairs(network, size)
    network = copy.deepcopy(network)
    for convolution, norm in pairs.items():
        former = cast("nn.BatchNorm2d", network.get_submodule(norm))
        folded_convolution = fuse_conv_bn_eval(cast("nn.Conv2d", network.get_submodule(convolution)), former)
        network.set_submodule(convolution, folded_convolution)
        # timm's BatchNormAct2d applies dropout and an activation as well
        rest = nn.Identity()
        if isinstance(former, BatchNormAct2d):
            rest = nn.Sequential(cast("nn.Module", former.drop), cast("nn.Module", former.act))
        network.set_submodule(norm, rest)
    network.inference_ready = True
    return network.for_inference(next(network.parameters()).device)


def _pairs(network: Network, size: tuple[int, int]) -> dict[str, str]:
    """Names of the convolutions to fold into, each with the name of its batch normalisation."""
    state = {name: value.to("meta") for name, value in network.state_dict(keep_vars=True).items() if _is_tensor(value)}
    flow = _DataFlow()
    with torch.no_grad(), flow:
        functional_call(network, state, torch.empty(1, 3, *size, device="meta"))
    modules = {id(value): name.rpartition(".")[0] for name, value in state.items()}
    pairs = {}
    for tensor, weight in flow.convolved.items():
        mean = flow.normalised.get(tensor)
        if weight not in modules or mean is None or mean not in modules:
            continue
        convolution, norm = modules[weight], modules[mean]
        if (
            flow.uses[tensor] == flow.uses[weight] == flow.uses[mean] == 1
            and type(network.get_submodule(norm)) in (nn.BatchNorm2d, BatchNormAct2d)
            and isinstance(network.get_submodule(convolution), nn.Conv2d)
        ):
            pairs[convolution] = norm
    return pairs


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor)


class _DataFlow(TorchDispatchMode):
    """Records outputs of convolutions, inputs of batch normalisation, and how often each tensor is used."""

    def __init__(self) -> None:
        super().__init__()
        self.convolved: dict[int, int] = {}
        """Weight of the convolution whose output a tensor is, both by id()."""
        self.normalised: dict[int, int] = {}
        """Running mean that a tensor is normalised by, both by id()."""
        self.uses: Counter[int] = Counter()
        self._kept: list[Tensor] = []  # keeps id() unique

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Records one operation."""
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
