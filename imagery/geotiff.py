"""Heatmaps of a georeferenced image as a GeoTIFF over the same extent, for use in a GIS."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.io import MemoryFile

from core.atomic import write_file
from core.errors import BadInputError
from imagery.georeference import georeference_of
from imagery.orientation import read_orientation, swaps_sides, undo_orientation
from imagery.reading import describe_image, open_image
from imagery.resampling import resize_bilinear

__all__ = ["LONGEST_SIDE", "is_georeferenced", "write_geotiff"]

LONGEST_SIDE = 1024
"""Limit on the grid's sides in pixels; heatmaps are coarse, and a finer grid would only add interpolated values."""
_TILED_FROM = 512  # pixels of the shorter side from which on the file is tiled


def is_georeferenced(path: Path) -> bool:
    """Whether an image has a georeference, see ImageFile.georeferenced; False for files that cannot be read."""
    try:
        return describe_image(path).georeferenced
    except BadInputError:
        return False


def write_geotiff(path: Path, source: Path, maps: Mapping[str, np.ndarray], tags: Mapping[str, str]) -> None:
    """Writes heatmaps as float32 bands over the extent of their image.

    Values are interpolated bilinearly, as in the overlay. The grid has the image's stored orientation, which is how a
    GIS shows it, and its shape reduced to LONGEST_SIDE pixels at most.

    Args:
        path: output file, written atomically.
        source: a georeferenced image.
        maps: by role in the order of the bands, [h, w] of any size, with the image's EXIF orientation applied.
        tags: metadata of the file.

    Raises:
        BadInputError: the image cannot be read, or has lost its georeference.
    """
    orientation = read_orientation(source)
    with open_image(source) as raster:
        scale = min(1, LONGEST_SIDE / max(raster.width, raster.height))
        width, height = (max(1, round(side * scale)) for side in (raster.width, raster.height))
        georeference = georeference_of(raster, source)
        if georeference is None:
            raise BadInputError(f"{source}: no longer georeferenced")
        georeference = georeference.resampled(raster.width / width, raster.height / height)
    shown_size = (width, height) if swaps_sides(orientation) else (height, width)
    tiles = {"tiled": True, "blockxsize": 256, "blockysize": 256} if min(width, height) >= _TILED_FROM else {}
    profile: dict[str, Any] = {"driver": "GTiff", "width": width, "height": height, "count": len(maps)}
    profile |= {"dtype": "float32", "compress": "deflate", "predictor": 3, "crs": georeference.crs}
    if georeference.transform is None:
        profile["gcps"] = georeference.gcps
    else:
        profile["transform"] = georeference.transform
    with MemoryFile() as memory:
        with memory.open(**profile, **tiles) as file:
            for band, (role, values) in enumerate(maps.items(), start=1):
                file.write(undo_orientation(resize_bilinear(values, shown_size), orientation), band)
                file.set_band_description(band, role)
            file.update_tags(**tags)
        write_file(path, memory.read())
