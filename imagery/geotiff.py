"""Heatmaps of a georeferenced image as GeoTIFF, to be laid over it in a GIS."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rasterio.io import MemoryFile

from core.atomic import write_file
from core.errors import BadInputError
from imagery.georeference import georeference_of
from imagery.orientation import is_turned, orientation, stored
from imagery.reading import describe_image, open_image
from imagery.resampling import interpolated

__all__ = ["LONGEST_SIDE", "georeferenced", "write_geotiff"]

LONGEST_SIDE = 1024
"""Pixels at most; maps are coarse, and larger images would only repeat what interpolation makes of them."""
_TILED_FROM = 512  # pixels of the shorter side


def georeferenced(path: Path) -> bool:
    """Whether an image's pixels have places on the ground.

    An affine transform counts, that of a world file too, and ground control points; rational polynomials alone do not.
    """
    try:
        return describe_image(path).georeferenced
    except BadInputError:
        return False


def write_geotiff(path: Path, source: Path, maps: Mapping[str, np.ndarray], tags: Mapping[str, str]) -> None:
    """Writes both heatmaps as bands over the ground that an image covers.

    Values are those of the maps, interpolated as in the overlay; the grid has the image's shape as it is stored, which
    is how a GIS shows it, with LONGEST_SIDE pixels at most.

    Args:
        path: written whole or not at all.
        source: a georeferenced image.
        maps: by role, first the baseline's, [h, w] of any size, of the image as it is shown.
        tags: as from geotiff_tags.

    Raises:
        BadInputError: the image cannot be read any more.
    """
    turned = orientation(source)
    with open_image(source) as raster:
        share = min(1, LONGEST_SIDE / max(raster.width, raster.height))
        width, height = (max(1, round(side * share)) for side in (raster.width, raster.height))
        ground = georeference_of(raster, source)
        if ground is None:
            raise BadInputError(f"{source}: not georeferenced any more")
        ground = ground.resampled(raster.width / width, raster.height / height)
    shown = (height, width) if is_turned(turned) else (width, height)
    tiles = {"tiled": True, "blockxsize": 256, "blockysize": 256} if min(width, height) >= _TILED_FROM else {}
    profile = {"driver": "GTiff", "width": width, "height": height, "count": len(maps), "dtype": "float32"}
    place = {"gcps": ground.gcps} if ground.transform is None else {"transform": ground.transform}
    with MemoryFile() as memory:
        with memory.open(**profile, **tiles, **place, crs=ground.crs, compress="deflate", predictor=3) as file:
            for band, (role, values) in enumerate(maps.items(), start=1):
                file.write(stored(interpolated(values, *shown), turned), band)
                file.set_band_description(band, role)
            file.update_tags(**tags)
        write_file(path, memory.read())
