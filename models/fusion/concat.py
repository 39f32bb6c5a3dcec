"""Fusion by concatenation."""

import torch
from torch import Tensor, nn

from models.downsample import DownSample
from models.fusion._base import Fusion

__all__ = ["Concatenation"]


class Concatenation(Fusion):
    """Y = Conv1x1([A, B]), concatenated along channels."""

    title = "concatenation, then 1x1 convolution"

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(channels, width)
        self.mix = nn.Conv2d(2 * channels, channels, kernel_size=1)

    def forward(self, earlier: Tensor, stage: Tensor) -> Tensor:
        return self.mix(torch.cat((earlier, stage), dim=1))

    def init_as_identity(self, downsample: DownSample) -> None:  # noqa: ARG002 - the convolution drops A itself
        channels = self.mix.out_channels
        with torch.no_grad():
            kernel = torch.cat((torch.zeros(channels, channels), torch.eye(channels)), dim=1)  # [C, 2C]
            self.mix.weight.copy_(kernel[:, :, None, None])
        if self.mix.bias is not None:
            nn.init.zeros_(self.mix.bias)
