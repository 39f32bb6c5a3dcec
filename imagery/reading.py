"""Reading an image file, whatever its kind, into RGB pixels."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image, UnidentifiedImageError

from core.errors import BadInputError
from imagery.georeference import georeference_of
from imagery.orientation import is_turned, orientation, upright
from imagery.raster import DRIVERS, band_names, check_raster, open_raster, read_bands
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
"""What counts as an image when a folder is searched."""
MAX_PIXELS = 100_000_000
"""Largest image that is decoded: an orthophoto tile of 10,000 x 10,000."""
MIN_SIDE = 8
"""Shortest side, in pixels, that says anything to a network."""
MAX_ASPECT = 16
"""Longest side over shortest; beyond it, fitting the network's square input would leave nothing recognisable."""

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")  # those that Pillow decodes, but for samples of more than 8 bits
_JPEG2000_MAGIC = (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")
_JPEG = ("JPEG", "MPO")
_STRIP = 2**22  # pixels that are converted at once

# Pillow warns of a size limit of its own, below ours, and of odd metadata.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", module="PIL")


@dataclass(frozen=True)
class ImageFile:
    """What an image file says of itself."""

    width: int
    """In pixels, as the image is shown: turned by its orientation."""
    height: int
    bands: int
    """As GDAL counts them: a palette image has one, a transparent one another for its transparency."""
    band_names: tuple[str, ...]
    """Descriptions or colours where the file has them, otherwise "band 4"."""
    sample: str
    """NumPy's name of the first band's samples, such as uint16."""
    georeferenced: bool
    """Whether its pixels have places on the ground, by an affine transform (that of a world file, too) or ground
    control points."""
    pages: int
    """Of which the first is read; frames of an animation."""


def read_image(path: str | Path, called: str | None = None, bands: Sequence[int] | None = None) -> np.ndarray:
    """Reads an image file as RGB.

    EXIF orientation is applied; grey and palette images become RGB; transparency is laid over white; of a file with
    several pages the first is read, of more than three bands the first three (a fourth that the file marks as
    transparency counts as such). Samples other than unsigned 8-bit ones are stretched band by band from their 2nd to
    their 98th percentile, as GIS viewers show them. Missing pixels (nodata, masks, NaN) are white.

    Args:
        path: the file; TIFF, PNG, JPEG, WebP, BMP, GIF or JPEG 2000.
        called: what errors call the file; its path if not given.
        bands: numbers of those to read, counted from 1 as GDAL does: three, as red, green and blue, or one, as grey.
            Of chosen bands only wholly transparent pixels are white, and none where transparency itself is chosen.

    Returns:
        uint8, [H, W, 3].

    Raises:
        BadInputError: the file is missing, empty, damaged, not an image, of a size that cannot be used, or has no
            such bands.
    """
    path, called = Path(path), str(path) if called is None else called
    with _refusals(path, called):
        kind = _kind(path, called)
        if _is_for_gdal(path, kind) or (bands is not None and kind not in _JPEG):
            with open_raster(path, kind) as raster:
                _check_shape(called, raster.width, raster.height)
                pixels = read_bands(raster, called, bands)
        else:
            with Image.open(path, formats=_FORMATS) as image:
                _check_shape(called, *image.size)
                pixels = _decoded(image)
            if bands is not None:  # of one decoder's picture, for each rounds in its own way
                with open_raster(path, kind) as raster:
                    indexes = check_raster(raster, called, bands)
                pixels = pixels[..., [indexes[i % len(indexes)] - 1 for i in range(3)]]
        return np.ascontiguousarray(upright(pixels, orientation(path)))


def describe_image(path: str | Path, called: str | None = None) -> ImageFile:
    """What an image file's header says; its pixels are not read.

    Args:
        path: the file, of a kind that read_image reads.
        called: what errors call the file; its path if not given.

    Raises:
        BadInputError: as from read_image, except for pixels that are damaged or missing.
    """
    path, called = Path(path), str(path) if called is None else called
    with _refusals(path, called):
        kind = _kind(path, called)
        pages = None
        if kind not in ("TIFF", "JPEG2000"):
            with Image.open(path, formats=_FORMATS) as image:
                _check_shape(called, *image.size)
                pages = getattr(image, "n_frames", 1)
        with open_raster(path, kind) as raster:
            _check_shape(called, raster.width, raster.height)
            check_raster(raster, called, None)
            sides = (raster.width, raster.height)
            names = band_names(raster)
            width, height = reversed(sides) if is_turned(orientation(path)) else sides
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
    """Opens an image file with GDAL, to ask what it says of the ground.

    Raises:
        BadInputError: as from describe_image.
    """
    with _refusals(path, str(path)), open_raster(path, _kind(path, str(path))) as raster:
        yield raster


@contextmanager
def _refusals(path: Path, called: str) -> Iterator[None]:
    """Says in our words what is wrong with a file."""
    try:
        if path.is_dir():
            raise BadInputError(f"{called}: this is a folder; name the images in it")
        if not path.is_file():
            raise BadInputError(f"{called}: no such file")
        if path.stat().st_size == 0:
            raise BadInputError(f"{called}: the file is empty")
        yield
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


def _kind(path: Path, called: str) -> str:
    """The file's format, by its content; a name in DRIVERS."""
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
        raise BadInputError(f"{called}: not an image of a kind that can be read") from None


def _is_for_gdal(path: Path, kind: str) -> bool:
    """Whether Pillow would miss something: tags of a TIFF, JPEG 2000's bands, or all but 8 bits of a sample."""
    if kind != "PNG":
        return kind in ("TIFF", "JPEG2000")
    with Image.open(path, formats=_FORMATS) as image:
        return image.mode.startswith(("I", "F")) or any(  # "RGB;16B" is how Pillow names the samples of a 16-bit PNG
            isinstance(tile.args, str) and ";16" in tile.args for tile in image.tile
        )


def _decoded(image: Image.Image) -> np.ndarray:
    """RGB pixels as they are stored, [H, W, 3], converted strip by strip: Pillow copies at every step."""
    pixels = np.empty((image.height, image.width, 3), dtype=np.uint8)
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        pixels[top:bottom] = _over_white(image.crop((0, top, image.width, bottom)))
    return pixels


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


def _over_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")  # which would copy it
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
