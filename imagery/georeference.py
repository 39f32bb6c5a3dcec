"""Where an image's pixels lie on the ground."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rasterio import Affine
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.io import DatasetReader

from imagery.world_file import world_transform

__all__ = ["Georeference", "georeference_of"]


@dataclass(frozen=True)
class Georeference:
    """An affine transform, or ground control points, with the coordinate reference system of either."""

    crs: CRS | None
    """None where the image does not name it, as beside a world file."""
    transform: Affine | None = None
    """From pixel corners (column, row) to ground coordinates."""
    gcps: Sequence[GroundControlPoint] = ()

    def resampled(self, across: float, down: float) -> "Georeference":
        """That of a grid over the same ground, whose cells are so many pixels wide and high."""
        if self.transform is not None:
            return Georeference(self.crs, self.transform @ Affine.scale(across, down))
        gcps = [
            GroundControlPoint(p.row / down, p.col / across, p.x, p.y, p.z, id=p.id, info=p.info) for p in self.gcps
        ]
        return Georeference(self.crs, gcps=gcps)


def georeference_of(raster: DatasetReader, path: Path) -> Georeference | None:
    """What a raster says of the ground, or else the world file beside it; rational polynomials alone do not count.

    Args:
        raster: opened by imagery.raster.open_raster.
        path: of its file, beside which a world file may lie.
    """
    if not raster.transform.is_identity:
        return Georeference(raster.crs, raster.transform)
    gcps, crs = raster.gcps
    if gcps:
        return Georeference(crs, gcps=gcps)
    transform = world_transform(path)
    return None if transform is None else Georeference(raster.crs, transform)
