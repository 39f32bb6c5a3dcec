"""Georeference of an image: affine transform or ground control points, with their coordinate reference system."""

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
    """An affine transform or ground control points, and the coordinate reference system they lead to."""

    crs: CRS | None
    """None where the file does not state it, as with a world file."""
    transform: Affine | None = None
    """From pixel corners (column, row) to ground coordinates."""
    gcps: Sequence[GroundControlPoint] = ()

    def resampled(self, across: float, down: float) -> "Georeference":
        """The georeference of a grid over the same extent, with cells `across` pixels wide and `down` pixels high."""
        if self.transform is not None:
            return Georeference(self.crs, self.transform @ Affine.scale(across, down))
        gcps = [  # rasterio types row and column as optional; a file's points have both
            GroundControlPoint(p.row / down, p.col / across, p.x, p.y, p.z, id=p.id, info=p.info)  # pyright: ignore[reportOptionalOperand]
            for p in self.gcps
        ]
        return Georeference(self.crs, gcps=gcps)


def georeference_of(raster: DatasetReader, path: Path) -> Georeference | None:
    """The georeference in a raster file, or else in the world file beside it; RPCs alone do not count.

    Args:
        raster: opened by imagery.raster.open_raster.
        path: its file, beside which a world file may lie.

    Returns:
        None for an image without georeference.
    """
    if not raster.transform.is_identity:
        return Georeference(raster.crs, raster.transform)
    gcps, crs = raster.gcps
    if gcps:
        return Georeference(crs, gcps=gcps)
    transform = world_transform(path)
    return None if transform is None else Georeference(raster.crs, transform)
