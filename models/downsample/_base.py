"""What all downsamplings have in common.

The paper is silent on what follows the convolution; BatchNorm and ReLU make the result a post-activation map, as Xi is.
"""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from models.batch_norm import check_batch_size

__all__ = ["DownSample"]


class DownSample(nn.Module):
    """Brings a map to the next stage's size and channels, then applies BatchNorm and ReLU.

    Args:
        in_channels: channels of the earlier map.
        out_channels: channels of the stage.
    """

    title: ClassVar[str]
    """Short description for the page and the documentation."""
    ours: ClassVar[bool] = False
    """Whether the variant is an addition of this project, not one of the paper's Table 2."""
    kernel: ClassVar[int] = 1
    """Side of the convolution's kernel."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(in_channels, out_channels, self.kernel, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, earlier: Tensor, size: tuple[int, int]) -> Tensor:
        """Maps [B, C_in, H, W] to [B, C_out, *size].

        Raises:
            BadInputError: in training, one image whose map is one position: no batch to normalise over.
        """
        projected = self.resized(earlier, size)  # [B, C_out, h, w]
        check_batch_size(projected, self)
        return functional.relu(self.norm(projected), inplace=True)

    def resized(self, earlier: Tensor, size: tuple[int, int]) -> Tensor:
        """The map at the stage's size and channels, before BatchNorm."""
        raise NotImplementedError
