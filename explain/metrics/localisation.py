"""A heatmap against a region of the image that somebody has marked."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from core.errors import BadInputError
from explain.metrics.ranking import normalised_heatmap, ranking

__all__ = ["Region", "RegionResult", "against_region"]


@dataclass(frozen=True)
class Region:
    """Where in an image something lies.

    Raises:
        BadInputError: nothing is marked.
    """

    mask: np.ndarray
    """bool [H, W], of the image's size in pixels."""

    def __post_init__(self) -> None:
        if not self.mask.any():
            raise BadInputError("the region is empty: its mask marks no pixel; mark at least one")

    @classmethod
    def box(cls, height: int, width: int, left: int, top: int, right: int, bottom: int) -> Self:
        """A rectangle; what of it juts out of the image is cut off.

        Args:
            height, width: of the image, pixels.
            left, top: first column and row inside, from 0.
            right, bottom: first column and row behind.

        Raises:
            BadInputError: the box has no area, or all of it is outside of the image.
        """
        words = f"the box from column {left}, row {top} to column {right}, row {bottom}"
        if right <= left or bottom <= top:
            raise BadInputError(f"{words} has no area; its right must exceed its left, and its bottom its top")
        mask = np.zeros((height, width), dtype=bool)
        mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
        if not mask.any():
            raise BadInputError(f"{words} is outside of the image of {width} x {height} pixels")
        return cls(mask)

    @classmethod
    def of_mask(cls, array: np.ndarray, height: int, width: int) -> Self:
        """A mask that marks pixels by any value but zero.

        Args:
            array: [H, W], of any type.
            height, width: of the image, pixels.

        Raises:
            BadInputError: the mask has another size than the image, more than one channel, or marks nothing.
        """
        if array.ndim != 2:
            raise BadInputError(f"a mask must have one channel, rows and columns; this one has shape {array.shape}")
        if array.shape != (height, width):
            raise BadInputError(
                f"the mask has {array.shape[1]} x {array.shape[0]} pixels, the image {width} x {height}; "
                "they must be of one size"
            )
        return cls(array != 0)


@dataclass(frozen=True)
class RegionResult:
    """How well a heatmap, interpolated bilinearly to the image's size, keeps to a region."""

    area: float
    """Share of the image inside, above 0 to 1: what a map that knows nothing would score as energy."""
    energy: float
    """Share of the map's sum inside, 0 to 1 (Wang et al., Score-CAM, CVPR workshops 2020, energy-based pointing)."""
    overlap: float
    """Intersection over union, 0 to 1, of the region and as many of the map's hottest pixels
    (explain.metrics.ranking says which of equally hot ones)."""
    hit: bool
    """Whether the hottest pixel is inside (Zhang et al., ECCV 2016, pointing game)."""

    @property
    def covered(self) -> float:
        """Share of the region, 0 to 1, that lies in as many of the map's hottest pixels as are marked."""
        return 2 * self.overlap / (1 + self.overlap)


def against_region(heatmap: np.ndarray, region: Region) -> RegionResult | None:
    """Compares a heatmap with a region.

    Args:
        heatmap: [h, w] of the whole image, at least zero, of any scale.
        region: of that image, [H, W].

    Returns:
        None for an empty map, zero everywhere, which points nowhere.
    """
    if not heatmap.max() > 0:
        return None
    inside = region.mask
    share = normalised_heatmap(heatmap, inside.shape)
    places = ranking(share)
    count = int(inside.sum())
    common = int((inside & (places < count)).sum())
    return RegionResult(
        area=count / inside.size,
        energy=float(share[inside].sum() / share.sum()),
        overlap=common / (2 * count - common),
        hit=bool(inside[places == 0].item()),
    )
