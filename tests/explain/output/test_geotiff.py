"""Heatmaps as GeoTIFF: bounds, bands and tags."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from core.errors import BadInputError
from explain.cam.analysis import Heatmap
from explain.cam.question import Question
from explain.output.geotiff import write_heatmaps
from pairs.pair import Pair
from tests.conftest import texture

MAPS = {
    "baseline": Heatmap(np.arange(4, dtype=np.float32).reshape(2, 2), 0),
    "scff": Heatmap(np.ones((2, 2), np.float32), 2),
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "scene.tif"
    profile = {"driver": "GTiff", "width": 80, "height": 60, "count": 3, "dtype": "uint8", "crs": "EPSG:32650"}
    with rasterio.open(path, "w", transform=from_origin(500_000, 3_400_000, 2, 2), **profile) as file:
        file.write(texture(0, 0, side=80)[:60].transpose(2, 0, 1))
    return path


def test_geotiff_has_bounds_bands_and_tags(pair: Pair, source: Path, tmp_path: Path) -> None:
    write_heatmaps(tmp_path / "maps.tif", source, pair, Question(method="gradcam", layer="Y3"), MAPS)
    with rasterio.open(source) as image, rasterio.open(tmp_path / "maps.tif") as maps:
        assert maps.crs == image.crs
        assert maps.bounds == image.bounds
        assert maps.descriptions == ("baseline", "scff")
        values = maps.read()
        tags = maps.tags()
    assert values.dtype == np.float32
    assert (values[0].min(), values[0].max(), values[1].min(), values[1].max()) == (0, 3, 1, 1)
    assert (tags["pair"], tags["layer"], tags["method"]) == (pair.name, "Y3", "gradcam")
    assert (tags["baseline_target"], tags["scff_target"]) == (pair.classes[0], pair.classes[2])


def test_missing_source_is_an_error(pair: Pair, source: Path, tmp_path: Path) -> None:
    source.unlink()
    with pytest.raises(BadInputError, match=r"scene\.tif"):
        write_heatmaps(tmp_path / "maps.tif", source, pair, Question(), MAPS)
