"""Heatmaps as pictures: laid over the image, and side by side in a figure."""

import math
import warnings
from dataclasses import dataclass

import matplotlib
import numpy as np
from PIL import Image

from core.errors import BadInputError
from explain.cam.analysis import Heatmap
from imagery.resampling import resize_bilinear

__all__ = [
    "COLOUR_MAPS",
    "DIVERGING",
    "PLAIN",
    "SCALED_BY",
    "SCALES",
    "Style",
    "difference",
    "difference_end",
    "difference_overlay",
    "levels",
    "overlay",
    "scaled",
]

COLOUR_MAPS = ("inferno", "viridis", "cividis", "jet")
"""matplotlib's names: three perceptually uniform ones, dark where there is nothing, then the one of many papers."""
_LEAST_DIFFERENCE = 0.1
DIVERGING = "RdBu_r"
"""For differences: blue below zero, red above; told apart by the colour-blind."""
SCALES = ("own", "shared")
SCALED_BY = {"own": "share of each map's maximum", "shared": "share of both maps' maximum"}
# A name in a script that no installed font has is drawn as boxes; the file itself is named beside the figure.
warnings.filterwarnings("ignore", message="Glyph .* missing from font")


@dataclass(frozen=True)
class Style:
    """How heatmaps are drawn.

    Raises:
        BadInputError: a value is unknown or out of range.
    """

    colour_map: str = COLOUR_MAPS[0]
    """A name in COLOUR_MAPS."""
    scale: str = SCALES[0]
    """own: from zero to each map's own maximum; shared: to the larger maximum of both."""
    opacity: float = 0.55
    """Of the heatmap, 0 to 1."""

    def __post_init__(self) -> None:
        for name, known in (("colour_map", COLOUR_MAPS), ("scale", SCALES)):
            if getattr(self, name) not in known:
                words = name.replace("_", " ")
                raise BadInputError(f"unknown {words} {getattr(self, name)!r}; known: {', '.join(known)}")
        if not 0 <= self.opacity <= 1:
            raise BadInputError(f"opacity must be from 0 to 1, got {self.opacity}")


PLAIN = Style()


def scaled(heatmaps: dict[str, Heatmap], style: Style) -> dict[str, np.ndarray | None]:
    """Heatmaps as shares from 0 to 1 of what the style scales them by, by role; None for an empty one."""
    largest = max(heatmap.values.max() for heatmap in heatmaps.values())
    return {
        role: None if heatmap.empty else heatmap.values / (largest if style.scale == "shared" else heatmap.values.max())
        for role, heatmap in heatmaps.items()
    }


def difference(heatmaps: dict[str, Heatmap], style: Style) -> np.ndarray | None:
    """SCFF's map minus the baseline's, as scaled, from -1 to 1; None where both are empty."""
    shares = scaled(heatmaps, style)
    if all(share is None for share in shares.values()):
        return None
    baseline, scff = (
        np.zeros_like(heatmaps[role].values) if shares[role] is None else shares[role] for role in ("baseline", "scff")
    )
    return scff - baseline


def overlay(image: np.ndarray, share: np.ndarray | None, style: Style) -> np.ndarray:
    """Lays a scaled heatmap over its image.

    Args:
        image: RGB uint8 [H, W, 3].
        share: 0 to 1, [h, w] of any size; interpolated bilinearly to the image's. None for an empty map.
        style: of drawing.

    Returns:
        RGB uint8 [H, W, 3]; the image itself where the map is empty.
    """
    return _laid_over(image, share, style.colour_map, style.opacity)


def difference_end(*changes: np.ndarray | None) -> float:
    """What the colours of differences run to in either direction: the largest of all, in hundredths.

    It is 0.1 at least, so that maps that are nearly alike look it.
    """
    largest = max((float(np.abs(change).max()) for change in changes if change is not None), default=0.0)
    return max(_LEAST_DIFFERENCE, math.ceil(round(100 * largest, 6)) / 100)


def difference_overlay(image: np.ndarray, values: np.ndarray | None, end: float, style: Style) -> np.ndarray:
    """The same of a difference, from -end to end, in diverging colours centred at zero."""
    return _laid_over(image, None if values is None else (values / end + 1) / 2, DIVERGING, style.opacity)


def levels(share: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What of a colour map each pixel of an overlay takes.

    Args:
        share: 0 to 1, [h, w] of any size; interpolated bilinearly.
        size: (H, W) of the image in pixels.

    Returns:
        uint8 [H, W], from the map's first colour, 0, to its last, 255.
    """
    return np.rint(resize_bilinear(share, size[1], size[0]) * 255).astype(np.uint8)


def _laid_over(image: np.ndarray, share: np.ndarray | None, colour_map: str, opacity: float) -> np.ndarray:
    if share is None:
        return image.copy()
    colours = matplotlib.colormaps[colour_map](levels(share, image.shape[:2]), bytes=True)[..., :3]
    return np.asarray(Image.blend(Image.fromarray(image), Image.fromarray(colours), opacity))
