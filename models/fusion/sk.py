"""Fusion by SKNet's selective kernel attention."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.batch_norm import check_batch_size
from models.downsample import DownSample
from models.fusion._base import SATURATED, Fusion, make_constant

__all__ = ["SelectiveKernel"]


class SelectiveKernel(Fusion):
    """Selective kernel attention (Li et al., SKNet, CVPR 2019): Y = a.A + b.B, channel-wise, with a + b = 1."""

    title = "SK attention"

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(channels, width)
        self.squeeze = nn.Linear(channels, width, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.excite_earlier = nn.Linear(width, channels)
        self.excite_stage = nn.Linear(width, channels)

    def forward(self, earlier: Tensor, stage: Tensor) -> Tensor:
        """Fuses A and B.

        Raises:
            BadInputError: in training, a batch of one image.
        """
        weight = self._weight_of_earlier(earlier, stage)
        # Under autocast a stage may be float32 still, as behind ConvNeXt's layer scale.
        return torch.lerp(stage, earlier.to(stage.dtype), weight[:, :, None, None].to(stage.dtype))

    def weights(self, earlier: Tensor, stage: Tensor) -> tuple[Tensor, Tensor]:
        weight = self._weight_of_earlier(earlier, stage)
        return weight, 1 - weight

    def channel_descriptor(self, pooled: Tensor) -> Tensor:
        """The attention's input [B, C], from GAP(A + B), [B, C]."""
        return pooled

    def init_as_identity(self, downsample: DownSample) -> None:  # noqa: ARG002 - the attention drops A itself
        make_constant(self.excite_earlier, -SATURATED / 2)
        make_constant(self.excite_stage, SATURATED / 2)

    def _weight_of_earlier(self, earlier: Tensor, stage: Tensor) -> Tensor:
        """a, [B, C]."""
        pooled = earlier.mean(dim=(2, 3)) + stage.mean(dim=(2, 3))  # GAP(A + B), [B, C]
        squeezed = self.squeeze(self.channel_descriptor(pooled))  # [B, width]
        check_batch_size(squeezed, self)
        hidden = functional.relu(self.norm(squeezed), inplace=True)
        # A softmax over two branches is the sigmoid of their difference, and b = 1 - a.
        return torch.sigmoid(self.excite_earlier(hidden) - self.excite_stage(hidden))
