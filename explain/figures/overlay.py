"""Overlays: heatmaps and their difference, normalised, coloured and blended with the image."""

import math
import warnings

import matplotlib
import numpy as np
from PIL import Image

from explain.cam.analysis import Heatmap
from explain.figures.style import DIVERGING, Style
from imagery.resampling import resize_bilinear

__all__ = ["difference", "difference_end", "difference_overlay", "levels", "overlay", "scaled"]

_LEAST_DIFFERENCE = 0.1
# Characters of file names that no installed font has are drawn as boxes.
warnings.filterwarnings("ignore", message="Glyph .* missing from font")


def scaled(heatmaps: dict[str, Heatmap], style: Style) -> dict[str, np.ndarray | None]:
    """Heatmaps by role, normalised to 0 to 1 as set by the style; None for an empty one."""
    largest = max(heatmap.values.max() for heatmap in heatmaps.values())
    return {
        role: None if heatmap.empty else heatmap.values / (largest if style.scale == "shared" else heatmap.values.max())
        for role, heatmap in heatmaps.items()
    }


def difference(heatmaps: dict[str, Heatmap], style: Style) -> np.ndarray | None:
    """SCFF's normalised heatmap minus the baseline's, -1 to 1; None where both are empty."""
    shares = scaled(heatmaps, style)
    baseline, scff = shares["baseline"], shares["scff"]
    if baseline is None:
        return scff
    return -baseline if scff is None else scff - baseline


def overlay(image: np.ndarray, share: np.ndarray | None, style: Style) -> np.ndarray:
    """Blends a normalised heatmap with its image.

    Args:
        image: RGB uint8 [H, W, 3].
        share: 0 to 1, [h, w] of any size; interpolated bilinearly to the image's. None for an empty map.
        style: colour map and opacity.

    Returns:
        RGB uint8 [H, W, 3]; the image itself where the map is empty.
    """
    return _blend(image, share, style.colour_map, style.opacity)


def difference_end(*changes: np.ndarray | None) -> float:
    """End of the colour scale of differences: the largest absolute value, rounded up to hundredths.

    It is at least 0.1, so that nearly equal heatmaps look equal.
    """
    largest = max((float(np.abs(change).max()) for change in changes if change is not None), default=0.0)
    return max(_LEAST_DIFFERENCE, math.ceil(round(100 * largest, 6)) / 100)


def difference_overlay(image: np.ndarray, values: np.ndarray | None, end: float, style: Style) -> np.ndarray:
    """Blends a difference from -end to end with its image, in diverging colours centred at zero."""
    return _blend(image, None if values is None else (values / end + 1) / 2, DIVERGING, style.opacity)


def levels(share: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Index into the colour map of each pixel of an overlay.

    Args:
        share: 0 to 1, [h, w] of any size; interpolated bilinearly.
        size: (H, W) of the image in pixels.

    Returns:
        uint8 [H, W], from 0, the first colour, to 255, the last.
    """
    return np.rint(resize_bilinear(share, size) * 255).astype(np.uint8)


def _blend(image: np.ndarray, share: np.ndarray | None, colour_map: str, opacity: float) -> np.ndarray:
    if share is None:
        return image.copy()
    colours = matplotlib.colormaps[colour_map](levels(share, image.shape[:2]), bytes=True)[..., :3]
    return np.asarray(Image.blend(Image.fromarray(image), Image.fromarray(colours), opacity))
