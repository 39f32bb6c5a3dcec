"""Georeference from a raster's transform, its ground control points or a world file."""

from pathlib import Path

import pytest
import rasterio
from rasterio.control import GroundControlPoint

from imagery.georeference import Georeference
from imagery.reading import open_image
from tests.conftest import texture

SIDE = 40


def test_own_transform_takes_precedence_over_a_world_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    transform = rasterio.Affine(2, 0, 500_000, 0, -2, 3_400_000)
    profile = {"driver": "GTiff", "width": SIDE, "height": SIDE, "count": 3, "dtype": "uint8", "photometric": "rgb"}
    with rasterio.open(path, "w", transform=transform, crs="EPSG:32650", **profile) as file:
        file.write(texture(1, 0, SIDE).transpose(2, 0, 1))
    (tmp_path / "a.tfw").write_text("1\n0\n0\n-1\n0\n0\n")
    with open_image(path) as file:
        assert file.transform == transform


@pytest.mark.essential
def test_a_coarser_grid_covers_the_same_extent() -> None:
    crs = rasterio.CRS.from_epsg(32650)
    transform = rasterio.Affine(2, 0.5, 500_000, 0.25, -2, 3_400_000)
    found = Georeference(crs, transform).resampled(4, 5)
    assert found.crs == crs
    assert found.transform @ (10, 20) == transform @ (40, 100)
    points = [GroundControlPoint(row=50, col=40, x=1, y=2, z=3, id="p", info="i")]
    (point,) = Georeference(crs, gcps=points).resampled(4, 5).gcps
    assert (point.row, point.col, point.x, point.y, point.z, point.id, point.info) == (10, 10, 1, 2, 3, "p", "i")
