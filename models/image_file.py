"""Reading an image file, whatever its kind, into RGB pixels."""

import logging
import math
import warnings
from pathlib import Path

import numpy as np
import rasterio
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from rasterio.errors import NotGeoreferencedWarning

from models.errors import BadInputError

__all__ = ["IMAGE_SUFFIXES", "MAX_ASPECT", "MAX_PIXELS", "MIN_SIDE", "read_image"]

IMAGE_SUFFIXES = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".jp2"})
"""What counts as an image when a folder is searched."""
MAX_PIXELS = 100_000_000
"""Largest image that is decoded: an orthophoto tile of 10,000 x 10,000."""
MIN_SIDE = 8
"""Shortest side, in pixels, that says anything to a network."""
MAX_ASPECT = 16
"""Longest side over shortest; beyond it, fitting the network's square input would leave nothing recognisable."""

_FORMATS = ("TIFF", "PNG", "JPEG", "WEBP", "BMP", "GIF")
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_JPEG2000_MAGIC = (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")
_DRIVERS = {"TIFF": "GTiff", "PNG": "PNG", "JPEG2000": "JP2OpenJPEG"}  # GDAL's names; it is to guess nothing
_LARGEST_BLOCK = 2**30  # bytes that GDAL decodes at once, however few of its bands are asked for
_BITS_PER_SAMPLE = 258
_PERCENTILES = (2, 98)
_PERCENTILE_SAMPLES = 4_000_000  # pixels at most; a larger image is sampled on a regular grid

# Pillow warns of a size limit of its own, below ours, and of odd metadata; a raster without georeference is an
# ordinary picture here; and what GDAL logs of a damaged file is said in our own message.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", module="PIL")
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
logging.getLogger("rasterio").setLevel(logging.CRITICAL)


def read_image(path: str | Path, called: str | None = None) -> np.ndarray:
    """Reads an image file as RGB.

    EXIF orientation is applied; grey and palette images become RGB; transparency is laid over white; of a file with
    several pages the first is read, of more than three bands the first three (a fourth that the file marks as
    transparency counts as such). Samples of 16 bits or more, or floating point, are stretched band by band from
    their 2nd to their 98th percentile, as GIS viewers show them, missing pixels (nodata, NaN) in white.

    Args:
        path: the file; TIFF, PNG, JPEG, WebP, BMP, GIF or JPEG 2000.
        called: what errors call the file; its path if not given.

    Returns:
        uint8, [H, W, 3].

    Raises:
        BadInputError: the file is missing, empty, damaged, not an image, or of a size that cannot be used.
    """
    path = Path(path)
    called = str(path) if called is None else called
    try:
        if path.is_dir():
            raise BadInputError(f"{called}: this is a folder; name the images in it")
        if not path.is_file():
            raise BadInputError(f"{called}: no such file")
        if path.stat().st_size == 0:
            raise BadInputError(f"{called}: the file is empty")
        return _decode(path, called)
    except BadInputError:
        raise
    except PermissionError:
        raise BadInputError(f"{called}: no permission to read the file") from None
    except Image.DecompressionBombError:
        raise BadInputError(f"{called}: more than {MAX_PIXELS:,} pixels; crop or shrink the image") from None
    except MemoryError:
        raise BadInputError(f"{called}: too large for this machine's memory") from None
    except Exception:  # a decoder meeting damaged bytes raises nearly anything
        raise BadInputError(f"{called}: the image is damaged or cut short") from None


def _decode(path: Path, called: str) -> np.ndarray:
    with path.open("rb") as file:
        start = file.read(12)
    if start.startswith(_JPEG2000_MAGIC):
        return _raster(path, called, "JPEG2000")
    try:
        image = Image.open(path, formats=_FORMATS)
    except UnidentifiedImageError:
        if not start.startswith(_TIFF_MAGIC):
            raise BadInputError(f"{called}: not an image of a kind that can be read") from None
        return _raster(path, called, "TIFF")
    with image:
        _check_shape(called, *image.size)
        if _is_deep(image):
            upright = Image.fromarray(_raster(path, called, image.format))
            upright.getexif()[ExifTags.Base.Orientation] = image.getexif().get(ExifTags.Base.Orientation, 1)
        else:
            upright = image
        return np.array(_over_white(ImageOps.exif_transpose(upright)))


def _check_shape(called: str, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise BadInputError(
            f"{called}: {width:,} x {height:,} pixels; the limit is {MAX_PIXELS:,} in all: crop or shrink the image"
        )
    if min(width, height) < MIN_SIDE:
        raise BadInputError(f"{called}: {width} x {height} pixels; each side needs at least {MIN_SIDE}")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise BadInputError(
            f"{called}: {width:,} x {height:,} pixels is too narrow a strip for a network's square input; "
            f"crop it to at most {MAX_ASPECT} to 1"
        )


def _is_deep(image: Image.Image) -> bool:
    """Whether samples have more than 8 bits; Pillow cuts those of RGB images down silently."""
    if image.format == "TIFF":
        return max(image.tag_v2.get(_BITS_PER_SAMPLE, (1,))) > 8
    if image.format != "PNG":
        return False
    return image.mode.startswith(("I", "F")) or any(  # "RGB;16B" is how Pillow names the samples of a 16-bit PNG
        isinstance(tile.args, str) and ";16" in tile.args for tile in image.tile
    )


def _over_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _raster(path: Path, called: str, kind: str) -> np.ndarray:
    """Reads a file with GDAL: its first three bands, or its first, as uint8 [H, W, 3], deep samples stretched."""
    with rasterio.open(path, driver=_DRIVERS[kind]) as raster:
        _check_shape(called, raster.width, raster.height)
        block = math.prod(raster.block_shapes[0]) * raster.count * np.dtype(raster.dtypes[0]).itemsize
        if block > _LARGEST_BLOCK:
            raise BadInputError(f"{called}: {raster.count} bands in one large block; save fewer bands, or tiles")
        indexes = [1, 2, 3] if raster.count >= 3 else [1, 1, 1]
        if any(np.dtype(raster.dtypes[i - 1]).kind == "c" for i in indexes):
            raise BadInputError(f"{called}: complex samples cannot be shown as a picture")
        rgb = np.full((raster.height, raster.width, 3), 255, dtype=np.uint8)
        step = math.ceil(math.sqrt(raster.width * raster.height / _PERCENTILE_SAMPLES))
        for channel, index in enumerate(indexes):
            band = np.ma.masked_invalid(raster.read(index, masked=True), copy=False)
            if band.dtype != np.uint8:
                band = np.ma.masked_array(_stretched_band(called, band, step), band.mask)
            rgb[..., channel] = band.filled(255)
    return rgb


def _stretched_band(called: str, band: np.ma.MaskedArray, step: int) -> np.ndarray:
    """A band as uint8, from the 2nd to the 98th percentile of its valid pixels on a grid of that step."""
    sample = band[::step, ::step].compressed()
    if sample.size == 0:
        raise BadInputError(f"{called}: a band holds no valid pixel")
    low, high = (float(value) for value in np.percentile(sample, _PERCENTILES))
    if low == high:  # nearly all of one value: its few others still count
        low, high = float(band.min()), float(band.max())
    scaled = (band.filled(low).astype(np.float32) - low) * (255 / max(high - low, 1e-30))
    return np.clip(scaled + 0.5, 0, 255).astype(np.uint8)
