"""Bands of a raster file, read with GDAL and made a picture."""

import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, Interleaving
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window

from core.errors import BadInputError
from imagery.tiff_tags import tiff_tags

__all__ = ["DRIVERS", "band_names", "check_raster", "open_raster", "read_bands"]

DRIVERS = {
    "TIFF": "GTiff",
    "PNG": "PNG",
    "JPEG": "JPEG",
    "MPO": "JPEG",
    "WEBP": "WEBP",
    "BMP": "BMP",
    "GIF": "GIF",
    "JPEG2000": "JP2OpenJPEG",
}
"""GDAL's names for Pillow's formats; GDAL is to guess nothing."""

_CACHE = 2**28  # bytes of decoded blocks that GDAL keeps; by default a twentieth of the machine's memory
_LARGEST_BLOCK = 2**30  # bytes that GDAL decodes at once, however few of its bands are asked for
_STRIP = 2**24  # bytes of samples that are worked on at once, unless one row of blocks has more
_EXTRA_SAMPLES = 338  # the tag that says what a fourth sample is
_PERCENTILES = (2, 98)
_PERCENTILE_SAMPLES = 4_000_000  # pixels at most; a larger image is sampled on a regular grid

# A raster without georeference is an ordinary picture here, and what GDAL logs of a damaged file is said in our words.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
logging.getLogger("rasterio").setLevel(logging.CRITICAL)


@contextmanager
def open_raster(path: Path, kind: str) -> Iterator[rasterio.DatasetReader]:
    """Opens a raster file alone, by the one GDAL driver of its format.

    GDAL would take files that lie beside it and carry its name (masks, overviews, statistics, world files) and open
    them with any driver, virtual formats and network addresses among them. So it sees the file through a link in a
    folder of its own, where there are no others; and a file that names another one as its overviews is refused.

    Args:
        path: of the file; what it is called plays no part.
        kind: a name in DRIVERS.

    Raises:
        BadInputError: the file refers to another one.
    """
    options = {"GDAL_CACHEMAX": _CACHE, "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_PAM_ENABLED": False}
    with TemporaryDirectory(prefix="raster-") as folder, rasterio.Env(**options):
        alone = Path(folder, "image")
        alone.symlink_to(path.absolute())
        with rasterio.open(alone, driver=DRIVERS[kind]) as raster:
            if raster.tags(ns="OVERVIEWS"):
                raise BadInputError(f"{path.name}: refers to another file for its overviews; save the image anew")
            yield raster


def band_names(raster: rasterio.DatasetReader) -> tuple[str, ...]:
    """Of each band its description, or else its colour interpretation, or else "band 4"."""
    return tuple(
        raster.descriptions[i] or _colour(colour, raster.count) or f"band {i + 1}"
        for i, colour in enumerate(raster.colorinterp[: _count(raster)])
    )


def check_raster(raster: rasterio.DatasetReader, called: str, bands: Sequence[int] | None) -> tuple[int, ...]:
    """The bands to read, counted from 1: those chosen, or the first three, or the first.

    Raises:
        BadInputError: there are no such bands, or they cannot be shown.
    """
    count = _count(raster)
    if bands is None:
        indexes = (1, 2, 3) if count >= 3 else (1,)
    elif len(bands) not in (1, 3):
        raise BadInputError(f"{called}: choose three bands (red, green, blue) or one (grey), not {len(bands)}")
    elif any(not 1 <= band <= count for band in bands):
        words = "band" if len(bands) == 1 else "bands"
        chosen = ",".join(map(str, bands))
        raise BadInputError(f"{called}: {words} {chosen} cannot be chosen; it has {_listed(band_names(raster))}")
    else:
        indexes = tuple(bands)
    if any(raster.dtypes[i - 1].startswith("complex") for i in indexes):
        raise BadInputError(f"{called}: complex samples cannot be shown as a picture")
    if bands is None and raster.colorinterp[0] == ColorInterp.cyan:
        raise BadInputError(f"{called}: CMYK colours of more than 8 bits cannot be read; save the image as RGB")
    together = raster.count if raster.interleaving != Interleaving.band else 1
    if math.prod(raster.block_shapes[0]) * together * np.dtype(raster.dtypes[0]).itemsize > _LARGEST_BLOCK:
        raise BadInputError(f"{called}: {raster.count} bands in one large block; save fewer bands, or tiles")
    return indexes


def read_bands(raster: rasterio.DatasetReader, called: str, bands: Sequence[int] | None = None) -> np.ndarray:
    """Reads a raster as RGB, as it is stored.

    Palettes become colours; samples other than 8-bit ones are stretched band by band; what the file marks as missing
    (nodata, a mask, samples that are not finite) is white, and so is what lies under transparency, in its measure.
    Pixels are missing where all bands that are read are. Of chosen bands only missing pixels are white: a fourth band
    is often marked as transparency without being any.

    Args:
        raster: opened by open_raster.
        called: what errors call it.
        bands: three or one, counted from 1; None for the first three, or the first.

    Returns:
        uint8, [H, W, 3].

    Raises:
        BadInputError: there are no such bands, or they cannot be shown.
    """
    indexes = check_raster(raster, called, bands)
    inverted = raster.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES"
    palette = None if inverted or len(indexes) > 1 else _palette(raster, indexes[0])
    ranges = None if palette is not None else _ranges(raster, indexes, called)
    multiplied = bands is None and raster.dtypes[0] == "uint8" and _is_multiplied(raster)
    rgb = np.empty((raster.height, raster.width, 3), dtype=np.uint8)
    for window in _strips(raster, len(indexes)):
        samples = raster.read(indexes, window=window)  # [bands, h, w]
        opacity = _valid(raster, indexes, window, samples).max(axis=0)  # [h, w], 0 to 255
        if palette is not None:
            colours = palette[np.minimum(samples[0], len(palette) - 1)]  # [h, w, 4]
            picture, opacity = colours[..., :3], np.minimum(opacity, colours[..., 3])
        else:
            picture = np.stack([_scaled(band, *ends) for band, ends in zip(samples, ranges, strict=True)], axis=-1)
            picture = 255 - picture if inverted else picture
        if bands is not None:
            opacity = np.where(opacity > 0, 255, 0)
        rows = slice(window.row_off, window.row_off + window.height)
        rgb[rows] = _over_white(picture, opacity, multiplied)
    return rgb


def _count(raster: rasterio.DatasetReader) -> int:
    """Bands; what GDAL calls bands of a GIF are its frames."""
    return 1 if raster.driver == "GIF" else raster.count


def _colour(colour: ColorInterp, count: int) -> str | None:
    """A colour's name; that of the first of many bands, which GDAL takes for grey, says nothing."""
    if colour == ColorInterp.undefined or (colour == ColorInterp.gray and count > 2):
        return None
    return {"gray": "grey"}.get(colour.name, colour.name.replace("_", " "))


def _listed(names: Sequence[str], most: int = 12) -> str:
    """Bands with their numbers, in words."""
    words = [name if name == f"band {i}" else f"{i} ({name})" for i, name in enumerate(names[:most], start=1)]
    return ", ".join(words) + (f" and others up to {len(names)}" if len(names) > most else "")


def _is_multiplied(raster: rasterio.DatasetReader) -> bool:
    """Whether colours are stored multiplied by their opacity."""
    return tiff_tags(Path(raster.name)).get(_EXTRA_SAMPLES, (0,))[0] == 1


def _palette(raster: rasterio.DatasetReader, index: int) -> np.ndarray | None:
    """RGBA uint8 [colours, 4] of a band that holds their numbers."""
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


def _strips(raster: rasterio.DatasetReader, bands: int) -> Iterator[Window]:
    """Whole rows of blocks, from top to bottom, so that no block is decoded twice and little is held at once."""
    block = raster.block_shapes[0][0]
    row = raster.width * bands * np.dtype(raster.dtypes[0]).itemsize
    rows = max(1, _STRIP // (row * block)) * block
    for top in range(0, raster.height, rows):
        yield Window(0, top, raster.width, min(rows, raster.height - top))


def _valid(raster: rasterio.DatasetReader, indexes: Sequence[int], window: Window, samples: np.ndarray) -> np.ndarray:
    """What of the samples counts: uint8 [bands, h, w], 0 for missing ones, 255, or in between by transparency."""
    valid = raster.read_masks(indexes, window=window)
    if samples.dtype.kind == "f":
        valid[~np.isfinite(samples)] = 0
    return valid


def _ranges(raster: rasterio.DatasetReader, indexes: Sequence[int], called: str) -> list[tuple[float, float]]:
    """What black and white stand for in each band.

    Of 8-bit samples the whole of their range, others' 2nd and 98th percentiles of the valid pixels on a regular grid.
    """
    if all(raster.dtypes[index - 1] == "uint8" for index in indexes):
        return [(0, 2 ** int(raster.tags(i, ns="IMAGE_STRUCTURE").get("NBITS", 8)) - 1) for i in indexes]
    step = math.ceil(math.sqrt(raster.width * raster.height / _PERCENTILE_SAMPLES))
    found: list[list[np.ndarray]] = [[] for _ in indexes]
    for window in _strips(raster, len(indexes)):
        samples = raster.read(indexes, window=window)
        valid = _valid(raster, indexes, window, samples) > 0
        grid = np.s_[-window.row_off % step :: step, ::step]
        for k in range(len(indexes)):
            found[k].append(samples[k][grid][valid[k][grid]])
    return [_ends(raster, index, np.concatenate(found[k]), called) for k, index in enumerate(indexes)]


def _ends(raster: rasterio.DatasetReader, index: int, sample: np.ndarray, called: str) -> tuple[float, float]:
    """Percentiles of a sample of a band."""
    if sample.size == 0:
        raise BadInputError(f"{called}: a band holds no valid pixel")
    low, high = (float(value) for value in np.percentile(sample, _PERCENTILES))
    if low == high:  # nearly all of one value: its few others still count
        ends = []
        for window in _strips(raster, 1):
            band = raster.read([index], window=window)
            valid = band[_valid(raster, [index], window, band) > 0]
            ends += [float(valid.min()), float(valid.max())] if valid.size else []
        low, high = min(ends), max(ends)
    return low, high


def _scaled(band: np.ndarray, low: float, high: float) -> np.ndarray:
    """Samples as uint8, from low to high; what is not a number becomes low."""
    if band.dtype == np.uint8 and (low, high) == (0, 255):
        return band
    scaled = (band.astype(np.float64) - low) * (255 / max(high - low, 1e-30))
    return np.nan_to_num(np.clip(scaled + 0.5, 0, 255), copy=False).astype(np.uint8)


def _over_white(picture: np.ndarray, opacity: np.ndarray, multiplied: bool) -> np.ndarray:
    """A picture [h, w, 3] on white, by opacities [h, w] from 0 to 255; its colours may be multiplied by them."""
    if opacity.min() == 255:
        return picture
    share = opacity[..., None].astype(np.float32) / 255
    shown = picture if multiplied else picture * share
    return np.minimum(shown + 255 * (1 - share) + 0.5, 255).astype(np.uint8)
