"""RGB composite of a raster's bands: palettes, contrast stretch, nodata and transparency over white."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rasterio.io import DatasetReader

from imagery.bands import select_bands
from imagery.stretch import stretch, stretch_ranges
from imagery.tiff_tags import tiff_tags
from imagery.windows import opacity, strips

__all__ = ["read_composite"]

_EXTRA_SAMPLES = 338  # TIFF tag that says what a fourth sample is
_PREMULTIPLIED = 1  # its value for associated alpha


def read_composite(raster: DatasetReader, name: str, bands: Sequence[int] | None = None) -> np.ndarray:
    """Reads a raster as RGB, in its stored orientation.

    Palettes become colours; samples other than 8-bit ones are stretched band by band. Missing pixels (nodata, masks,
    NaN) are white, and transparent ones are composited over white. A pixel is missing where all bands that are read
    miss it. For chosen bands only missing pixels are white: a fourth band is often marked as transparency without
    being any.

    Args:
        raster: opened by imagery.raster.open_raster.
        name: the file's name in error messages.
        bands: three or one, counted from 1; None for the first three, or the first of fewer than three.

    Returns:
        uint8, [H, W, 3].

    Raises:
        BadInputError: there are no such bands, or they cannot be shown.
    """
    indexes = select_bands(raster, name, bands)
    first = indexes[0]
    inverted = raster.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES"
    palette = None if inverted or len(indexes) > 1 else _palette(raster, first)
    ranges = [] if palette is not None else stretch_ranges(raster, indexes, name)
    premultiplied = bands is None and raster.dtypes[first - 1] == "uint8" and _is_premultiplied(raster)
    rgb = np.empty((raster.height, raster.width, 3), dtype=np.uint8)
    for window in strips(raster, len(indexes)):
        samples = raster.read(indexes, window=window)  # [bands, h, w]
        alpha = opacity(raster, indexes, window, samples).max(axis=0)  # [h, w], 0 to 255
        if palette is not None:
            colours = palette[np.minimum(samples[0], len(palette) - 1)]  # [h, w, 4]
            picture, alpha = colours[..., :3], np.minimum(alpha, colours[..., 3])
        else:
            picture = np.stack([stretch(band, *ends) for band, ends in zip(samples, ranges, strict=True)], axis=-1)
            picture = 255 - picture if inverted else picture
        if bands is not None:
            alpha = np.where(alpha > 0, 255, 0)
        rows = slice(window.row_off, window.row_off + window.height)
        rgb[rows] = _over_white(picture, alpha, premultiplied)
    return rgb


def _is_premultiplied(raster: DatasetReader) -> bool:
    """Whether colours are stored multiplied by their opacity (associated alpha)."""
    return tiff_tags(Path(raster.name)).get(_EXTRA_SAMPLES, (0,))[0] == _PREMULTIPLIED


def _palette(raster: DatasetReader, index: int) -> np.ndarray | None:
    """Colour table of a palette band, RGBA uint8 [colours, 4]; None for other bands."""
    try:
        colours = raster.colormap(index)
    except ValueError:
        return None
    if not np.issubdtype(raster.dtypes[index - 1], np.unsignedinteger):
        return None
    palette = np.zeros((max(colours) + 1, 4), dtype=np.uint8)
    for number, colour in colours.items():
        palette[number] = colour
    return palette


def _over_white(picture: np.ndarray, alpha: np.ndarray, premultiplied: bool) -> np.ndarray:
    """Composites a picture [h, w, 3] over white by its opacity [h, w], 0 to 255."""
    if alpha.min() == 255:
        return picture
    share = alpha[..., None].astype(np.float32) / 255
    shown = picture if premultiplied else picture * share
    return np.minimum(shown + 255 * (1 - share) + 0.5, 255).astype(np.uint8)
