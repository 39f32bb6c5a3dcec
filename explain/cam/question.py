"""Request parameters of a heatmap: target class, contrast class, layer, CAM method and smoothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import BadInputError
from explain.cam.layers import FUSED
from explain.cam.methods import DEFAULT_METHOD

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Question", "Smoothing", "Target"]


@dataclass(frozen=True)
class Target:
    """The score S that a heatmap explains: the target class's logit, or its difference to a contrast class's."""

    index: int
    """Index of the target class."""
    against: int | None = None
    """Index of the contrast class; None for none."""

    def __call__(self, logits: Tensor) -> Tensor:
        """The score S, computed from logits [classes]."""
        return logits[self.index] if self.against is None else logits[self.index] - logits[self.against]


@dataclass(frozen=True)
class Smoothing:
    """SmoothGrad: heatmaps averaged over noisy samples of the image, as in SmoothGrad-CAM++ (Omeiza et al., 2019).

    Raises:
        BadInputError: a value is out of range.
    """

    samples: int = 8
    spread: float = 0.1
    """Standard deviation of the noise, as a fraction of the image's range."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise BadInputError(f"the number of SmoothGrad samples must be at least 1, got {self.samples}")
        if not 0 <= self.spread <= 1:
            raise BadInputError(f"noise must be between 0 and 1 (a fraction of the image's range), got {self.spread}")

    def copies(self, images: Tensor) -> Iterator[Tensor]:
        """Noisy samples of images [B, 3, H, W]."""
        import torch

        random = torch.Generator().manual_seed(self.seed)
        deviation = self.spread * (images.amax((1, 2, 3), keepdim=True) - images.amin((1, 2, 3), keepdim=True))
        for _ in range(self.samples):
            noise = torch.randn(images.shape[1:], generator=random).to(images)  # independent of the rest of the batch
            yield images + deviation * noise


@dataclass(frozen=True)
class Question:
    """Request parameters of a heatmap, the same for both networks of a pair.

    Raises:
        BadInputError: there is a contrast class without a target class, or the two are the same.
    """

    target: int | None = None
    """Class index; None for each network's own prediction."""
    against: int | None = None
    """Index of the contrast class: evidence for the target class over it, by the difference of their logits."""
    layer: str = FUSED
    """A name of explain.cam.layers."""
    method: str = DEFAULT_METHOD
    """A name in METHODS."""
    smoothing: Smoothing | None = None

    def __post_init__(self) -> None:
        if self.against is not None and self.target is None:
            raise BadInputError("a contrast class needs a target class; choose one as well")
        if self.against is not None and self.against == self.target:
            raise BadInputError("a class cannot be contrasted with itself; choose another one")
