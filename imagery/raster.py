"""Opening raster files with GDAL, each one alone: without files beside it, with the one driver of its format."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import DatasetReader

from core.errors import BadInputError

__all__ = ["DRIVERS", "open_raster"]

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
"""GDAL drivers by Pillow's name of the format; GDAL must not choose a driver itself."""

_CACHE = 2**28  # bytes of GDAL's block cache; by default it takes a twentieth of the machine's memory

# An image without georeference is the usual case here, and reading.py words the errors of damaged files.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
logging.getLogger("rasterio").setLevel(logging.CRITICAL)


@contextmanager
def open_raster(path: Path, kind: str) -> Iterator[DatasetReader]:
    """Opens a raster file by the one GDAL driver of its format, isolated from all other files.

    GDAL would open sidecar files (masks, overviews, statistics, world files) that lie beside it and carry its name,
    with any driver, including virtual formats and network addresses. So it sees the file through a symbolic link in an
    empty folder; and a file that names another file as its overviews is rejected.

    Args:
        path: the file; its name and suffix play no role.
        kind: its format, a key of DRIVERS.

    Raises:
        BadInputError: the file refers to another one.
    """
    options = {"GDAL_CACHEMAX": _CACHE, "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_PAM_ENABLED": False}
    with TemporaryDirectory(prefix="raster-") as folder, rasterio.Env(**options):
        link = Path(folder, "image")
        link.symlink_to(path.absolute())
        with rasterio.open(link, driver=DRIVERS[kind]) as raster:
            if raster.tags(ns="OVERVIEWS"):
                raise BadInputError(f"{path.name}: refers to another file for its overviews; save the image again")
            yield raster
