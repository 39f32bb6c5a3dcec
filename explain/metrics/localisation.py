"""Localisation metrics: a heatmap compared with a region that the user has marked."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from core.errors import BadInputError
from explain.metrics.ranking import normalised_heatmap, ranking

__all__ = ["Region", "RegionResult", "localise"]


@dataclass(frozen=True)
class Region:
    """A region of an image, as a mask.

    Raises:
        BadInputError: the mask is empty.
    """

    mask: np.ndarray
    """bool [H, W], at the image's full size."""

    def __post_init__(self) -> None:
        if not self.mask.any():
            raise BadInputError("the region is empty: its mask marks no pixel; mark at least one")

    @classmethod
    def from_box(cls, box: tuple[int, int, int, int], size: tuple[int, int]) -> Self:
        """A rectangle, clipped to the image.

        Args:
            box: (left, top, right, bottom) in pixels: first column and row inside, from 0, and beyond it.
            size: (height, width) of the image, pixels.

        Raises:
            BadInputError: the box has no area, or lies outside the image.
        """
        left, top, right, bottom = box
        where = f"the box from column {left}, row {top} to column {right}, row {bottom}"
        if right <= left or bottom <= top:
            raise BadInputError(f"{where} has no area; right must be greater than left, and bottom greater than top")
        mask = np.zeros(size, dtype=bool)
        mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
        if not mask.any():
            raise BadInputError(f"{where} is outside the image of {size[1]} x {size[0]} pixels")
        return cls(mask)

    @classmethod
    def from_mask(cls, array: np.ndarray, size: tuple[int, int]) -> Self:
        """A mask whose non-zero pixels are the region.

        Args:
            array: [H, W], of any type.
            size: (height, width) of the image, pixels.

        Raises:
            BadInputError: the mask differs from the image in size, has more than one channel, or is empty.
        """
        if array.ndim != 2:
            raise BadInputError(f"a mask must be one channel of rows and columns; this one has shape {array.shape}")
        if array.shape != size:
            raise BadInputError(
                f"the mask has {array.shape[1]} x {array.shape[0]} pixels, the image {size[1]} x {size[0]}; "
                "both must have the same size"
            )
        return cls(array != 0)


@dataclass(frozen=True)
class RegionResult:
    """Localisation metrics of a heatmap, interpolated bilinearly to the image's size."""

    area: float
    """Fraction of the image inside the region, above 0 and at most 1: the expected energy of a random map."""
    energy: float
    """Energy-based pointing game, 0 to 1: fraction of the map's sum inside (Wang et al., CVPR workshops 2020)."""
    overlap: float
    """Intersection over union, 0 to 1, of the region and an equal number of the map's highest pixels; ties are broken
    by explain.metrics.ranking."""
    hit: bool
    """Pointing game: whether the map's maximum is inside (Zhang et al., ECCV 2016)."""

    @property
    def covered(self) -> float:
        """Fraction of the region, 0 to 1, covered by as many of the map's highest pixels as the region has."""
        return 2 * self.overlap / (1 + self.overlap)


def localise(heatmap: np.ndarray, region: Region) -> RegionResult | None:
    """Compares a heatmap with a region.

    Args:
        heatmap: [h, w] of the whole image, non-negative, of any scale.
        region: region of that image, [H, W].

    Returns:
        None for an empty map (zero everywhere).
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
