"""Fusion behind squeeze-and-excitation."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.downsample import DownSample
from models.fusion._base import SATURATED, Fusion, make_constant

__all__ = ["SqueezeExcitation"]


class _Gate(nn.Module):
    """Squeeze-and-excitation (Hu et al., CVPR 2018): a weight from 0 to 1 for each channel of a map."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, width)
        self.excite = nn.Linear(width, channels)

    def weights(self, values: Tensor) -> Tensor:
        """Channel weights of a map [B, C, h, w], [B, C]."""
        hidden = functional.relu(self.squeeze(values.mean(dim=(2, 3))), inplace=True)  # [B, width]
        return torch.sigmoid(self.excite(hidden))

    def forward(self, values: Tensor) -> Tensor:
        """The map times its channel weights, [B, C, h, w]."""
        return values * self.weights(values)[:, :, None, None].to(values.dtype)


class SqueezeExcitation(Fusion):
    """Y = a.A + b.B, channel-wise, the weights of each map from its own squeeze-and-excitation."""

    title = "SE attention on each map, then addition"

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(channels, width)
        self.gate_earlier = _Gate(channels, width)
        self.gate_stage = _Gate(channels, width)

    def forward(self, earlier: Tensor, stage: Tensor) -> Tensor:
        return self.gate_earlier(earlier) + self.gate_stage(stage)

    def weights(self, earlier: Tensor, stage: Tensor) -> tuple[Tensor, Tensor]:
        return self.gate_earlier.weights(earlier), self.gate_stage.weights(stage)

    def init_as_identity(self, downsample: DownSample) -> None:  # noqa: ARG002 - the gate drops A itself
        make_constant(self.gate_earlier.excite, -SATURATED)
        make_constant(self.gate_stage.excite, SATURATED)
