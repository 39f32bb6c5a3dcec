"""Bands of a raster: their names, and which of them are shown as red, green and blue."""

import math
from collections.abc import Sequence

import numpy as np
from rasterio.enums import ColorInterp, Interleaving
from rasterio.io import DatasetReader

from core.errors import BadInputError

__all__ = ["band_names", "select_bands"]

_LARGEST_BLOCK = 2**30  # bytes that GDAL decodes at once, however few of a block's bands are read


def band_names(raster: DatasetReader) -> tuple[str, ...]:
    """The description of each band, or else its colour interpretation, or else "band 4"."""
    return tuple(
        raster.descriptions[i] or _colour_name(colour, raster.count) or f"band {i + 1}"
        for i, colour in enumerate(raster.colorinterp[: _band_count(raster)])
    )


def select_bands(raster: DatasetReader, name: str, bands: Sequence[int] | None) -> tuple[int, ...]:
    """Numbers of the bands to read, three for RGB or one for grey, after checking that they can be shown.

    Args:
        raster: opened by imagery.raster.open_raster.
        name: the file's name in error messages.
        bands: the user's choice, counted from 1; None for the first three, or the first of fewer than three.

    Raises:
        BadInputError: there are no such bands, or they cannot be shown.
    """
    count = _band_count(raster)
    if bands is None:
        indexes = (1, 2, 3) if count >= 3 else (1,)
    elif len(bands) not in (1, 3):
        raise BadInputError(f"{name}: choose three bands (red, green, blue) or one (greyscale), not {len(bands)}")
    elif any(not 1 <= band <= count for band in bands):
        noun = "band" if len(bands) == 1 else "bands"
        chosen = ",".join(map(str, bands))
        raise BadInputError(f"{name}: {noun} {chosen} cannot be chosen; it has {_listed(band_names(raster))}")
    else:
        indexes = tuple(bands)
    if any(raster.dtypes[i - 1].startswith("complex") for i in indexes):
        raise BadInputError(f"{name}: complex samples cannot be shown as an image")
    if bands is None and raster.colorinterp[0] == ColorInterp.cyan:
        raise BadInputError(f"{name}: CMYK colours of more than 8 bits cannot be read; save the image as RGB")
    bands_per_block = raster.count if raster.interleaving != Interleaving.band else 1
    if math.prod(raster.block_shapes[0]) * bands_per_block * np.dtype(raster.dtypes[0]).itemsize > _LARGEST_BLOCK:
        raise BadInputError(
            f"{name}: {raster.count} bands are stored in one block that is too large; save fewer bands, or tiles"
        )
    return indexes


def _band_count(raster: DatasetReader) -> int:
    """Number of bands; for a GIF GDAL counts its frames."""
    return 1 if raster.driver == "GIF" else raster.count


def _colour_name(colour: ColorInterp, count: int) -> str | None:
    """Name of a colour interpretation; GDAL's default of grey for the first of many bands means nothing."""
    if colour == ColorInterp.undefined or (colour == ColorInterp.gray and count > 2):
        return None
    return {"gray": "grey"}.get(colour.name, colour.name.replace("_", " "))


def _listed(names: Sequence[str], most: int = 12) -> str:
    """Bands with their numbers, for an error message."""
    bands = [name if name == f"band {i}" else f"{i} ({name})" for i, name in enumerate(names[:most], start=1)]
    return ", ".join(bands) + (f" and others up to {len(names)}" if len(names) > most else "")
