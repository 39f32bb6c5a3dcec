"""Parameters and multiply-accumulates of a network, per image and part by part."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from models.architectures import check_input_size
from models.fusion_settings import FusionSettings
from models.network import Network

__all__ = ["Cost", "PairCost", "profile"]


@dataclass(frozen=True)
class Cost:
    """Cost of a network, or of a part of one."""

    params: int
    """Trainable parameters."""
    macs: int
    """Multiply-accumulates per image of convolutions and linear layers; pooling, normalisation, activations and
    channel-wise products are not counted, as is usual."""

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.params + other.params, self.macs + other.macs)


@dataclass(frozen=True)
class PairCost:
    """Cost of a baseline and of the same network with SCFF."""

    backbone: Cost
    classifier: Cost
    """From the last feature map to the logits."""
    fusions: tuple[Cost, ...]
    """D and F of Y2..Yn."""

    @property
    def baseline(self) -> Cost:
        """The whole network without SCFF."""
        return self.backbone + self.classifier

    @property
    def scff(self) -> Cost:
        """The whole network with SCFF."""
        return sum(self.fusions, self.baseline)

    @property
    def networks(self) -> dict[str, Cost]:
        """Both by role: baseline, scff."""
        return {"baseline": self.baseline, "scff": self.scff}


def profile(
    arch: str, size: tuple[int, int], classes: int, fusion: FusionSettings, small_stem: bool = False
) -> PairCost:
    """Counts on the meta device, without computing; safe beside other threads that run networks.

    Args:
        arch: timm's name of the network.
        size: (height, width) of the image in pixels.
        classes: number of classes.
        fusion: the SCFF variant.
        small_stem: as Network's.

    Raises:
        BadInputError: the network cannot be fused, or cannot take images of that size.
    """
    check_input_size(arch, size, small_stem)
    with torch.device("meta"):
        network = Network(arch, classes, fusion, small_stem).eval()
        images = torch.empty(1, 3, *size)
    assert network.scff is not None
    stages, backbone_macs = _counted(network.stages, images)
    fused, fusions = stages[0], []
    for stage, (downsample, fuse) in zip(stages[1:], network.scff.steps(), strict=True):
        earlier, down_macs = _counted(downsample, fused, stage.shape[-2:])
        fused, fuse_macs = _counted(fuse, earlier, stage)
        fusions.append(Cost(_params(downsample) + _params(fuse), down_macs + fuse_macs))
    logits, head_macs = _counted(network.head, fused.detach())
    head_params = _used(logits, network.backbone)
    backbone = Cost(_params(network.backbone) - head_params, backbone_macs)
    return PairCost(backbone, Cost(head_params, head_macs), tuple(fusions))


class _NoModuleTracker(nullcontext):
    """Replaces the counter's module tracker: its global hooks also fire for networks that other threads run, and make
    those fail."""

    parents = frozenset({"Global"})


def _counted(function: Callable[..., Any], *arguments: Any) -> tuple[Any, int]:
    """A function's result, and its multiply-accumulates: half of its floating-point operations."""
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = _NoModuleTracker()  # pyright: ignore[reportAttributeAccessIssue] - needs only `parents`
    with counter:
        result = function(*arguments)
    return result, counter.get_total_flops() // 2


def _params(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _used(result: Tensor, module: nn.Module) -> int:
    """How many of a module's parameters a result depends on."""
    parameters = list(module.parameters())
    gradients = torch.autograd.grad(result.sum(), parameters, allow_unused=True)
    return sum(
        parameter.numel() for parameter, gradient in zip(parameters, gradients, strict=True) if gradient is not None
    )
