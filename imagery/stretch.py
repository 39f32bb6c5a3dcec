"""Contrast stretch: samples of any type to 8 bits, linearly between two percentiles, as GIS viewers show them."""

import math
from collections.abc import Sequence

import numpy as np
from rasterio.io import DatasetReader

from core.errors import BadInputError
from imagery.windows import opacity, strips

__all__ = ["stretch", "stretch_ranges"]

_PERCENTILES = (2, 98)
_MAX_SAMPLES = 4_000_000  # pixels that percentiles are taken of; a larger image is sampled on a regular grid


def stretch_ranges(raster: DatasetReader, indexes: Sequence[int], name: str) -> list[tuple[float, float]]:
    """The sample values of each band that become black and white.

    For 8-bit samples that is their full range, otherwise the 2nd and 98th percentile of the valid pixels.

    Args:
        raster: opened by imagery.raster.open_raster.
        indexes: numbers of the bands.
        name: the file's name in error messages.

    Raises:
        BadInputError: a band has no valid pixel.
    """
    if all(raster.dtypes[index - 1] == "uint8" for index in indexes):
        return [(0, 2 ** int(raster.tags(i, ns="IMAGE_STRUCTURE").get("NBITS", 8)) - 1) for i in indexes]
    step = math.ceil(math.sqrt(raster.width * raster.height / _MAX_SAMPLES))
    sampled: list[list[np.ndarray]] = [[] for _ in indexes]
    for window in strips(raster, len(indexes)):
        samples = raster.read(indexes, window=window)
        valid = opacity(raster, indexes, window, samples) > 0
        grid = np.s_[-window.row_off % step :: step, ::step]
        for k in range(len(indexes)):
            sampled[k].append(samples[k][grid][valid[k][grid]])
    return [_percentiles(raster, index, np.concatenate(sampled[k]), name) for k, index in enumerate(indexes)]


def stretch(band: np.ndarray, low: float, high: float) -> np.ndarray:
    """Samples as uint8, from low (0) to high (255); NaN becomes 0."""
    if band.dtype == np.uint8 and (low, high) == (0, 255):
        return band
    scaled = (band.astype(np.float64) - low) * (255 / max(high - low, 1e-30))
    return np.nan_to_num(np.clip(scaled + 0.5, 0, 255), copy=False).astype(np.uint8)


def _percentiles(raster: DatasetReader, index: int, sample: np.ndarray, name: str) -> tuple[float, float]:
    """Percentiles of a band's sampled pixels; its minimum and maximum where these are equal."""
    if sample.size == 0:
        raise BadInputError(f"{name}: a band holds no valid pixel")
    low, high = (float(value) for value in np.percentile(sample, _PERCENTILES))
    if low == high:  # nearly constant: its few other pixels still count
        extremes = []
        for window in strips(raster, 1):
            band = raster.read([index], window=window)
            valid = band[opacity(raster, [index], window, band) > 0]
            extremes += [float(valid.min()), float(valid.max())] if valid.size else []
        low, high = min(extremes), max(extremes)
    return low, high
