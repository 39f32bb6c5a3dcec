"""Windowed reading of rasters: strips of whole blocks, and the validity of their pixels."""

from collections.abc import Iterator, Sequence

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

__all__ = ["opacity", "strips"]

_STRIP = 2**24  # bytes of samples per strip, unless one row of blocks has more


def strips(raster: DatasetReader, bands: int) -> Iterator[Window]:
    """Windows of whole block rows, top to bottom: no block is decoded twice, and memory stays bounded.

    Args:
        raster: opened by imagery.raster.open_raster.
        bands: how many bands are read per window.
    """
    block_rows = raster.block_shapes[0][0]
    row_bytes = raster.width * bands * np.dtype(raster.dtypes[0]).itemsize
    rows = max(1, _STRIP // (row_bytes * block_rows)) * block_rows
    for top in range(0, raster.height, rows):
        yield Window(0, top, raster.width, min(rows, raster.height - top))  # pyright: ignore[reportCallIssue] - no stub


def opacity(raster: DatasetReader, indexes: Sequence[int], window: Window, samples: np.ndarray) -> np.ndarray:
    """Validity and opacity of the samples: uint8 [bands, h, w], 0 where missing (nodata, mask, NaN), 255 where opaque.

    Args:
        raster: opened by imagery.raster.open_raster.
        indexes: numbers of the bands.
        window: where the samples were read.
        samples: [bands, h, w].
    """
    result = raster.read_masks(indexes, window=window)
    if samples.dtype.kind == "f":
        result[~np.isfinite(samples)] = 0
    return result
