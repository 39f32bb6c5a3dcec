"""SCFF, selective cross-layer feature fusion.

Chu, Wang and Liu, "Self-Attention Multilayer Feature Fusion Based on Long Connection", Advances in Multimedia
2022, 9973814. Stage maps X1..Xn of falling resolution become Y1 = X1 and Yi = F(D(Y(i-1)), Xi); the classifier
receives Yn in place of Xn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from core.errors import BadInputError
from models.downsample import DOWNSAMPLES, DownSample
from models.fusion import FUSIONS, Fusion

__all__ = ["SCFF", "STARTS", "FusionSettings"]

STARTS = ("neutral", "identity")
"""Where the fusion's weights start: as its layers do (the paper), or so that Yi is Xi."""


@dataclass(frozen=True)
class FusionSettings:
    """The variant of SCFF, and all that rebuilds it; stored in its checkpoint. The defaults are the paper's.

    Raises:
        BadInputError: a value is unknown or out of range.
    """

    reduction: int = 16
    """Channels over the width of the attention's hidden layer (r in SKNet)."""
    min_width: int = 32
    """Least width of that layer (L in SKNet)."""
    downsample: str = "avg"
    """D, how Y(i-1) is brought to Xi's size and channels: a name in DOWNSAMPLES."""
    fusion: str = "sk_softmax"
    """F, how both are fused: a name in FUSIONS."""
    gradient_cut: bool = False
    """Whether SCFF's branches leave stages 1 to n-1 alone in training (the paper's Figure 3)."""
    start: str = "neutral"
    """Where the fusion's weights start: a name in STARTS."""

    def __post_init__(self) -> None:
        for name, known in (("downsample", DOWNSAMPLES), ("fusion", FUSIONS), ("start", STARTS)):
            if getattr(self, name) not in known:
                raise BadInputError(f"unknown {name} {getattr(self, name)!r}; known: {', '.join(known)}")
        for name in ("reduction", "min_width"):
            if getattr(self, name) < 1:
                raise BadInputError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def variant(self) -> str:
        """D and F in words: what a state must have been saved with to fit."""
        return f"{self.downsample} + {self.fusion}"

    def width(self, channels: int) -> int:
        """Width of the attention's hidden layer for maps of that many channels."""
        return max(channels // self.reduction, self.min_width)


class SCFF(nn.Module):
    """The whole fusion: Y1 = X1, Yi = F(D(Y(i-1)), Xi).

    Its state carries the variant's name and loads into no other.

    Args:
        channels: channels of X1..Xn, in the network's order.
        settings: the variant and its sizes.
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
                fuse.start_at_stage(down)

    def steps(self) -> Iterator[tuple[DownSample, Fusion]]:
        """D and F of each fusion, from Y2 to Yn."""
        return zip(self.downsample, self.fuse, strict=True)

    def forward(self, stages: Sequence[Tensor]) -> Tensor:
        """Fuses X1..Xn, each [B, Ci, hi, wi], into Yn of Xn's shape.

        Raises:
            BadInputError: in training, a batch of one image, where the variant normalises by the batch.
        """
        if self.settings.gradient_cut:
            stages = [*(stage.detach() for stage in stages[:-1]), stages[-1]]
        return self.fuse_on(stages[0], stages[1:])[-1]

    def fuse_on(self, fused: Tensor, stages: Sequence[Tensor]) -> list[Tensor]:
        """Y(i+1)..Yn of Yi and X(i+1)..Xn; no gradient is cut here."""
        maps = []
        for stage, (downsample, fuse) in zip(stages, list(self.steps())[len(self.fuse) - len(stages) :], strict=True):
            fused = fuse(downsample(fused, stage.shape[-2:]), stage)
            maps.append(fused)
        return maps

    def get_extra_state(self) -> Tensor:
        """The variant's name as bytes, a part of the state."""
        return torch.tensor(list(self.settings.variant.encode()), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Refuses a state of another variant.

        Raises:
            BadInputError: names both.
        """
        saved = bytes(state.tolist()).decode()
        if saved != self.settings.variant:
            raise BadInputError(f"a state of SCFF {saved} does not fit SCFF {self.settings.variant}")
