"""SCFF, selective cross-layer feature fusion.

Chu, Wang and Liu, "Self-Attention Multilayer Feature Fusion Based on Long Connection", Advances in Multimedia
2022, 9973814. Stage maps X1..Xn of falling resolution become Y1 = X1 and Yi = F(D(Y(i-1)), Xi); the classifier
receives Yn in place of Xn.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from core.errors import BadInputError
from models.downsample import DOWNSAMPLES, DownSample
from models.fusion import FUSIONS, Fusion
from models.fusion_settings import FusionSettings

__all__ = ["SCFF"]


class SCFF(nn.Module):
    """Selective cross-layer feature fusion: Y1 = X1, Yi = F(D(Y(i-1)), Xi).

    The state dict carries the variant's name and loads into no other variant.

    Args:
        channels: channels of X1..Xn.
        settings: variant and hyperparameters.
    """

    def __init__(self, channels: Sequence[int], settings: FusionSettings) -> None:
        super().__init__()
        steps = list(pairwise(channels))
        downsample, fusion = DOWNSAMPLES[settings.downsample], FUSIONS[settings.fusion]
        self.settings = settings
        self.downsample = nn.ModuleList(downsample(before, after) for before, after in steps)
        self.fuse = nn.ModuleList(fusion(after, settings.width(after)) for _, after in steps)
        if settings.start == "identity":
            for down, fuse in self.steps():
                fuse.init_as_identity(down)

    def steps(self) -> Iterator[tuple[DownSample, Fusion]]:
        """D and F of each fusion, from Y2 to Yn."""
        return cast("Iterator[tuple[DownSample, Fusion]]", zip(self.downsample, self.fuse, strict=True))

    def forward(self, stages: Sequence[Tensor]) -> Tensor:
        """Fuses X1..Xn, each [B, Ci, hi, wi], into Yn of Xn's shape.

        Raises:
            BadInputError: in training, a batch of one image, where the variant applies batch normalisation.
        """
        if self.settings.gradient_cut:
            stages = [*(stage.detach() for stage in stages[:-1]), stages[-1]]
        return self.fuse_on(stages[0], stages[1:])[-1]

    def fuse_on(self, fused: Tensor, stages: Sequence[Tensor]) -> list[Tensor]:
        """Y(i+1)..Yn of Yi and X(i+1)..Xn; the gradient cut is not applied."""
        maps = []
        for stage, (downsample, fuse) in zip(stages, list(self.steps())[len(self.fuse) - len(stages) :], strict=True):
            fused = fuse(downsample(fused, stage.shape[-2:]), stage)
            maps.append(fused)
        return maps

    def get_extra_state(self) -> Tensor:
        """The variant's name as bytes, part of the state dict."""
        return torch.tensor(list(self.settings.variant.encode()), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Rejects the state dict of another variant.

        Raises:
            BadInputError: names both.
        """
        saved = bytes(state.tolist()).decode()
        if saved != self.settings.variant:
            raise BadInputError(f"weights of SCFF variant {saved} do not fit variant {self.settings.variant}")
