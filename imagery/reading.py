"""Decoding an image file of any supported format to RGB pixels."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image, UnidentifiedImageError

from core.errors import BadInputError
from imagery.bands import band_names, select_bands
from imagery.composite import read_composite
from imagery.georeference import georeference_of
from imagery.orientation import apply_orientation, read_orientation, swaps_sides
from imagery.raster import DRIVERS, open_raster
from imagery.tiff_tags import TIFF_MAGIC

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_ASPECT",
    "MAX_PIXELS",
    "MIN_SIDE",
    "ImageFile",
    "describe_image",
    "open_image",
    "read_image",
]

IMAGE_SUFFIXES = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".jp2"})
"""Suffixes, in lower case, of the files in a folder that count as images."""
MAX_PIXELS = 100_000_000
"""Limit on an image's pixels: an orthophoto tile of 10,000 x 10,000."""
MIN_SIDE = 8
"""Minimum of an image's sides in pixels; fewer are meaningless to a network."""
MAX_ASPECT = 16
"""Limit on the ratio of the longer side to the shorter; beyond it, a square input distorts an image too much."""

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")  # decoded by Pillow, unless samples have more than 8 bits
_ZIP_MAGIC = b"PK\x03\x04"
_JPEG2000_MAGIC = (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")
_JPEG = ("JPEG", "MPO")
_STRIP = 2**22  # pixels converted at a time

# Pillow warns of its own size limit, which is below MAX_PIXELS, and of unusual metadata.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", module="PIL")


@dataclass(frozen=True)
class ImageFile:
    """Properties of an image file, from its header."""

    width: int
    """In pixels, with EXIF orientation applied, as `height`."""
    height: int
    bands: int
    """As GDAL counts them: a palette image has one, and transparency is a band of its own."""
    band_names: tuple[str, ...]
    """Their descriptions or colours where the file has these, otherwise "band 4"."""
    sample: str
    """NumPy's type of the first band's samples, such as uint16."""
    georeferenced: bool
    """Whether it has an affine transform (its own or a world file's) or ground control points; RPCs do not count."""
    pages: int
    """Pages, or frames of an animation, of which only the first is read."""


def read_image(path: str | Path, name: str | None = None, bands: Sequence[int] | None = None) -> np.ndarray:
    """Reads an image file as RGB.

    EXIF orientation is applied, grey and palette images become RGB, transparency is composited over white. The first of
    several pages is read, and the first three of more bands (a fourth that the file marks as transparency counts as
    such). Samples other than unsigned 8-bit ones are stretched band by band from their 2nd to their 98th percentile, as
    in GIS viewers. Missing pixels (nodata, masks, NaN) are white.

    Args:
        path: a TIFF, PNG, JPEG, WebP, BMP, GIF or JPEG 2000 file.
        name: the file's name in error messages; its path if not given.
        bands: numbers of the bands to read, counted from 1 as GDAL does: three as red, green and blue, or one as grey.
            For chosen bands only fully transparent pixels are white, and none where transparency itself is chosen.

    Returns:
        uint8, [H, W, 3].

    Raises:
        BadInputError: the file is missing, empty, damaged, not an image, too large, too small or too narrow, or has no
            such bands.
    """
    path, name = Path(path), str(path) if name is None else name
    with _reported_errors(path, name):
        kind = _kind(path, name)
        if _needs_gdal(path, kind) or (bands is not None and kind not in _JPEG):
            with open_raster(path, kind) as raster:
                _check_shape(name, raster.width, raster.height)
                pixels = read_composite(raster, name, bands)
        else:
            with Image.open(path, formats=_FORMATS) as image:
                _check_shape(name, *image.size)
                pixels = _decoded(image)
            if bands is not None:  # from the same decoder: GDAL's rounds differently
                with open_raster(path, kind) as raster:
                    indexes = select_bands(raster, name, bands)
                pixels = pixels[..., [indexes[i % len(indexes)] - 1 for i in range(3)]]
        return np.ascontiguousarray(apply_orientation(pixels, read_orientation(path)))


def describe_image(path: str | Path) -> ImageFile:
    """Reads an image file's header, without decoding pixels.

    Args:
        path: a file of a format that read_image reads.

    Raises:
        BadInputError: as read_image, except for damaged or missing pixels.
    """
    path, name = Path(path), str(path)
    with _reported_errors(path, name):
        kind = _kind(path, name)
        pages = None
        if kind not in ("TIFF", "JPEG2000"):
            with Image.open(path, formats=_FORMATS) as image:
                _check_shape(name, *image.size)
                pages = getattr(image, "n_frames", 1)
        with open_raster(path, kind) as raster:
            _check_shape(name, raster.width, raster.height)
            select_bands(raster, name, None)
            width, height = raster.width, raster.height
            if swaps_sides(read_orientation(path)):
                width, height = height, width
            names = band_names(raster)
            return ImageFile(
                width=width,
                height=height,
                bands=len(names),
                band_names=names,
                sample=raster.dtypes[0],
                georeferenced=georeference_of(raster, path) is not None,
                pages=pages or max(1, len(raster.subdatasets)),
            )


@contextmanager
def open_image(path: Path) -> Iterator[rasterio.DatasetReader]:
    """Opens an image file with GDAL, for its stored samples and its georeference.

    Raises:
        BadInputError: as describe_image.
    """
    with _reported_errors(path, str(path)), open_raster(path, _kind(path, str(path))) as raster:
        yield raster


@contextmanager
def _reported_errors(path: Path, name: str) -> Iterator[None]:
    """Turns the errors of opening and decoding a file into BadInputError."""
    try:
        if path.is_dir():
            raise BadInputError(f"{name}: this is a folder; give the images in it")
        if not path.is_file():
            raise BadInputError(f"{name}: no such file")
        if path.stat().st_size == 0:
            raise BadInputError(f"{name}: the file is empty")
        yield
    except BadInputError:
        raise
    except PermissionError:
        raise BadInputError(f"{name}: no permission to read the file") from None
    except Image.DecompressionBombError:
        raise BadInputError(f"{name}: more than {MAX_PIXELS:,} pixels; crop or shrink the image") from None
    except MemoryError:
        raise BadInputError(f"{name}: too large for this machine's memory") from None
    except Exception:  # decoders raise nearly anything for damaged bytes
        raise BadInputError(f"{name}: the image is damaged or truncated") from None


def _kind(path: Path, name: str) -> str:
    """The file's format, by its magic bytes; a key of DRIVERS."""
    with path.open("rb") as file:
        start = file.read(12)
    if start.startswith(_JPEG2000_MAGIC):
        return "JPEG2000"
    if start.startswith(TIFF_MAGIC):
        return "TIFF"
    try:
        with Image.open(path, formats=_FORMATS) as image:
            return image.format if image.format in DRIVERS else "JPEG"
    except UnidentifiedImageError:
        if start.startswith(_ZIP_MAGIC):
            raise BadInputError(
                f"{name}: a ZIP file, not an image; unpack it, or open it on the page's Batch tab"
            ) from None
        raise BadInputError(f"{name}: not an image of a supported format") from None


def _needs_gdal(path: Path, kind: str) -> bool:
    """Whether Pillow would lose something: a TIFF's tags, JPEG 2000's bands, or all but 8 bits of a sample."""
    if kind != "PNG":
        return kind in ("TIFF", "JPEG2000")
    with Image.open(path, formats=_FORMATS) as image:
        return image.mode.startswith(("I", "F")) or any(  # "RGB;16B" is how Pillow names the samples of a 16-bit PNG
            isinstance(tile.args, str) and ";16" in tile.args for tile in image.tile
        )


def _decoded(image: Image.Image) -> np.ndarray:
    """RGB pixels [H, W, 3] in stored orientation; converted strip by strip, as Pillow copies at every step."""
    pixels = np.empty((image.height, image.width, 3), dtype=np.uint8)
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        pixels[top:bottom] = np.asarray(_over_white(image.crop((0, top, image.width, bottom))))
    return pixels


def _check_shape(name: str, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise BadInputError(
            f"{name}: {width:,} x {height:,} pixels; the limit is {MAX_PIXELS:,} in all: crop or shrink the image"
        )
    if min(width, height) < MIN_SIDE:
        raise BadInputError(f"{name}: {width} x {height} pixels; each side needs at least {MIN_SIDE}")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise BadInputError(
            f"{name}: {width:,} x {height:,} pixels exceeds the maximum aspect ratio of {MAX_ASPECT} : 1; "
            "crop the image"
        )


def _over_white(image: Image.Image) -> Image.Image:
    """An image as RGB, transparency composited over white."""
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")  # convert() would copy it
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
