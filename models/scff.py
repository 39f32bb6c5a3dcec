"""SCFF, selective cross-layer feature fusion.

Chu, Wang and Liu, "Self-Attention Multilayer Feature Fusion Based on Long Connection", Advances in Multimedia
2022, 9973814. Stage maps X1..Xn of falling resolution become Y1 = X1 and Yi = F(D(Y(i-1)), Xi); the classifier
receives Yn in place of Xn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["SCFF", "DownSample", "FusionSettings", "SelectiveFusion"]


@dataclass(frozen=True)
class FusionSettings:
    """What rebuilds an SCFF module; stored in its checkpoint. The defaults are the paper's."""

    reduction: int = 16
    """Channels over the width of the attention's hidden layer (r in SKNet)."""
    min_width: int = 32
    """Least width of that layer (L in SKNet)."""
    downsample: str = "avg"
    """How Y(i-1) is brought to Xi's size: average pooling, then a 1x1 convolution (section 2.3.2)."""
    fusion: str = "sk_softmax"
    """How both are fused: SKNet's fuse with a softmax put first (section 2.3.3)."""

    def __post_init__(self) -> None:
        if self.reduction < 1 or self.min_width < 1:
            raise ValueError(f"reduction and min_width must be at least 1, got {self.reduction} and {self.min_width}")
        if self.downsample != "avg":
            raise ValueError(f"downsample must be 'avg', got {self.downsample!r}")
        if self.fusion != "sk_softmax":
            raise ValueError(f"fusion must be 'sk_softmax', got {self.fusion!r}")

    def width(self, channels: int) -> int:
        """Width of the attention's hidden layer for maps of that many channels."""
        return max(channels // self.reduction, self.min_width)


class DownSample(nn.Module):
    """D, section 2.3.2: brings an earlier map to a later stage's size and channels.

    Average pooling, adaptive because no fixed window fits every network's sizes, then a 1x1 convolution. The paper
    is silent on what follows it; BatchNorm and ReLU make the result a post-activation map as Xi is.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, earlier: Tensor, size: tuple[int, int]) -> Tensor:
        """Maps [B, C_in, H, W] to [B, C_out, *size]."""
        pooled = functional.adaptive_avg_pool2d(earlier, size)  # [B, C_in, h, w]
        return functional.relu(self.norm(self.project(pooled)), inplace=True)


class SelectiveFusion(nn.Module):
    """F, section 2.3.3: SKNet's fuse of two maps with a softmax over the pooled channels put first."""

    def __init__(self, channels: int, settings: FusionSettings) -> None:
        super().__init__()
        width = settings.width(channels)
        self.squeeze = nn.Linear(channels, width, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.excite_earlier = nn.Linear(width, channels)
        self.excite_stage = nn.Linear(width, channels)

    def forward(self, earlier: Tensor, stage: Tensor) -> Tensor:
        """Fuses two maps of one shape, [B, C, h, w], into one of the same shape."""
        pooled = (earlier + stage).mean(dim=(2, 3))  # [B, C]
        hidden = functional.relu(self.norm(self.squeeze(pooled.softmax(dim=1))), inplace=True)  # [B, width]
        # A softmax over two branches is the sigmoid of their difference; the stage's weight is what is left of one.
        weight = torch.sigmoid(self.excite_earlier(hidden) - self.excite_stage(hidden))  # [B, C]
        return torch.lerp(stage, earlier, weight[:, :, None, None].to(stage.dtype))


class SCFF(nn.Module):
    """The whole fusion: Y1 = X1, Yi = F(D(Y(i-1)), Xi).

    Args:
        channels: channels of X1..Xn, in the network's order.
        settings: the variant and its sizes.
    """

    def __init__(self, channels: Sequence[int], settings: FusionSettings) -> None:
        super().__init__()
        steps = list(pairwise(channels))
        self.downsample = nn.ModuleList(DownSample(before, after) for before, after in steps)
        self.fuse = nn.ModuleList(SelectiveFusion(after, settings) for _, after in steps)

    def forward(self, stages: Sequence[Tensor]) -> Tensor:
        """Fuses X1..Xn, each [B, Ci, hi, wi], into Yn of Xn's shape."""
        fused = stages[0]
        for stage, downsample, fuse in zip(stages[1:], self.downsample, self.fuse, strict=True):
            fused = fuse(downsample(fused, stage.shape[-2:]), stage)
        return fused
